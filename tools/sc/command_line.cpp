#include "tools/sc/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>

namespace ntemu::sc {
namespace {

namespace stdfs = std::filesystem;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

std::string folded(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

const std::map<std::string, Verb, std::less<>> kVerbs = {
    {"create", Verb::kCreate},
    {"config", Verb::kConfig},
    {"start", Verb::kStart},
    {"stop", Verb::kStop},
    {"pause", Verb::kPause},
    {"continue", Verb::kContinue},
    {"interrogate", Verb::kInterrogate},
    {"control", Verb::kControl},
    {"query", Verb::kQuery},
    {"queryex", Verb::kQueryEx},
    {"qc", Verb::kQueryConfig},
    {"delete", Verb::kDelete},
    {"description", Verb::kDescription},
    {"qdescription", Verb::kQueryDescription},
};

// What sc knows on Windows, and what is about processes, accounts and security descriptors.
constexpr std::string_view kRefused[] = {
    "boot",        "enumdepend",   "failure",         "failureflag",    "getdisplayname",
    "getkeyname",  "lock",         "managedaccount",  "preferrednode",  "privs",
    "qfailure",    "qfailureflag", "qmanagedaccount", "qpreferrednode", "qprivs",
    "qprotection", "qsidtype",     "qtriggerinfo",    "querylock",      "quserservice",
    "sdset",       "sdshow",       "showsid",         "sidtype",        "triggerinfo"};

struct SyntaxError {
  std::string text;
};

template <class T>
using Words = std::map<std::string, T, std::less<>>;

const Words<uint32_t> kTypes = {{"kernel", 1},       {"filesys", 2},    {"adapt", 4},
                                {"rec", 8},          {"own", 0x10},     {"share", 0x20},
                                {"interact", 0x100}, {"userown", 0x50}, {"usershare", 0x60}};
const Words<uint32_t> kStarts = {{"boot", 0}, {"system", 1}, {"auto", 2}, {"demand", 3}, {"disabled", 4}};
const Words<uint32_t> kErrors = {{"ignore", 0}, {"normal", 1}, {"severe", 2}, {"critical", 3}};
const Words<uint32_t> kQueryTypes = {{"driver", 0xF}, {"service", 0x30},   {"all", 0x3F},        {"kernel", 1},
                                     {"filesys", 2},  {"adapt", 4},        {"rec", 8},           {"own", 0x10},
                                     {"share", 0x20}, {"interact", 0x100}, {"userservice", 0x40}};

template <class T>
T word(const Words<T> &words, std::string_view option, const std::string &value) {
  if (const auto found = words.find(folded(value)); found != words.end()) return found->second;
  std::string known;
  for (const auto &[name, code] : words) known += (known.empty() ? "" : "|") + name;
  throw SyntaxError{fmt::format("'{}' is no value of {} (it takes {})", value, option, known)};
}

size_t number(std::string_view option, const std::string &value) {
  size_t result = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size())
    throw SyntaxError{fmt::format("'{}' is no number for {}", value, option)};
  return result;
}

// The name of the option that an argument begins with, "type=" in "type=kernel"; empty when it is none of `known`.
std::string option_of(std::string_view argument, std::span<const std::string_view> known) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return {};
  std::string name = folded(argument.substr(0, equals + 1));
  return std::find(known.begin(), known.end(), name) == known.end() ? std::string() : name;
}

// Calls take(option, value) for each option; the value is glued to it or is the next argument.
template <class Take>
void for_each_option(std::span<const std::string> arguments, std::span<const std::string_view> known, Take take) {
  for (size_t at = 0; at < arguments.size(); ++at) {
    const std::string option = option_of(arguments[at], known);
    if (option.empty()) throw SyntaxError{fmt::format("'{}' is no option of this command", arguments[at])};
    std::string value = arguments[at].substr(option.size());
    if (value.empty()) {
      if (++at == arguments.size()) throw SyntaxError{fmt::format("{} has no value", option)};
      value = arguments[at];
    }
    take(option, value);
  }
}

// A file of the host is named from where the user stands; all else is for the machine to understand.
std::string image_path(const std::string &path) {
  const bool windows = path.find('\\') != std::string::npos || (path.size() > 1 && path[1] == ':');
  std::error_code error;
  if (path.empty() || path.front() == '/' || windows || !stdfs::exists(path, error)) return path;
  return stdfs::absolute(path).lexically_normal().string();
}

nlohmann::json split_dependencies(std::string_view text) {
  auto names = nlohmann::json::array();
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find('/'));
    if (!name.empty()) names.push_back(std::string(name));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
  }
  return names;
}

constexpr std::string_view kSettings[] = {
    "type=", "start=", "error=", "binpath=", "group=", "tag=", "depend=", "obj=", "displayname=", "password="};

void read_settings(Command &command, std::span<const std::string> options) {
  nlohmann::json &arguments = command.arguments;
  for_each_option(options, kSettings, [&](const std::string &option, const std::string &value) {
    if (option == "type=") {
      arguments["type"] = arguments.value("type", 0u) | word(kTypes, option, value);
    } else if (option == "start=") {
      const bool delayed = folded(value) == "delayed-auto";
      arguments["start"] = word(kStarts, option, delayed ? "auto" : value);
      if (delayed) arguments["delayed"] = true;
    } else if (option == "error=") {
      arguments["error"] = word(kErrors, option, value);
    } else if (option == "binpath=") {
      arguments["binary_path"] = image_path(value);
    } else if (option == "group=") {
      arguments["group"] = value;
    } else if (option == "tag=") {
      arguments["tag"] = word(Words<bool>{{"yes", true}, {"no", false}}, option, value);
    } else if (option == "depend=") {
      arguments["depend"] = split_dependencies(value);
    } else if (option == "obj=") {
      arguments["account"] = value;
    } else if (option == "displayname=") {
      arguments["display_name"] = value;
    } else {
      arguments["password"] = true;  // nobody needs it
    }
  });
}

constexpr std::string_view kQueryOptions[] = {"type=", "state=", "bufsize=", "ri=", "group="};

void read_query(Command &command, std::span<const std::string> rest) {
  if (!rest.empty() && option_of(rest[0], kQueryOptions).empty()) {
    command.name = rest[0];
    if (rest.size() > 1) throw SyntaxError{fmt::format("'{}' is too much: one service, or options", rest[1])};
    return;
  }
  Filter &filter = command.filter;
  for_each_option(rest, kQueryOptions, [&](const std::string &option, const std::string &value) {
    if (option == "type=") {
      const uint32_t types = word(kQueryTypes, option, value);
      // "type= driver type= kernel" means kernel drivers only, as does the second alone.
      filter.types = !filter.as_default && (filter.types & types) != 0 ? filter.types & types : types;
      filter.as_default = false;
    } else if (option == "state=") {
      const std::string state = folded(value);
      if (state != "active" && state != "inactive" && state != "all")
        throw SyntaxError{fmt::format("'{}' is no value of state= (it takes active|inactive|all)", value)};
      filter.active = state != "inactive";
      filter.inactive = state != "active";
    } else if (option == "group=") {
      filter.group = value;
    } else if (option == "bufsize=") {
      filter.buffer = number(option, value);
    } else {
      filter.resume = number(option, value);
    }
  });
}

Command read_command(Verb verb, std::span<const std::string> rest) {
  Command command;
  command.verb = verb;
  if (verb == Verb::kQuery || verb == Verb::kQueryEx) {
    read_query(command, rest);
    return command;
  }
  if (rest.empty()) throw SyntaxError{"the service's name is missing"};
  command.name = rest[0];
  rest = rest.subspan(1);
  size_t most = 0;
  switch (verb) {
    case Verb::kCreate:
    case Verb::kConfig:
      read_settings(command, rest);
      if (verb == Verb::kCreate && !command.arguments.contains("binary_path")) throw SyntaxError{"binPath= is missing"};
      if (verb == Verb::kCreate && !command.arguments.contains("type")) command.arguments["type"] = kTypes.at("own");
      most = rest.size();
      break;
    case Verb::kStart:
      most = rest.size();  // arguments of a service, which drivers do not get
      break;
    case Verb::kControl:
      if (rest.empty()) throw SyntaxError{"the control's number is missing"};
      command.arguments["control"] = number("control", rest[0]);
      most = 1;
      break;
    case Verb::kDescription:
      if (!rest.empty()) command.arguments["description"] = rest[0];
      most = 1;
      break;
    case Verb::kQueryConfig:
    case Verb::kQueryDescription:
      if (!rest.empty()) (void)number("the buffer's size", rest[0]);
      most = 1;
      break;
    default:
      break;
  }
  if (rest.size() > most) throw SyntaxError{fmt::format("'{}' is too much", rest[most])};
  return command;
}

// Takes ntemu's own options out. What follows an option without its value is that value, whatever it looks like.
std::vector<std::string> take_own_options(const std::vector<std::string> &arguments, CommandLine &line) {
  std::vector<std::string> rest;
  for (size_t at = 0; at < arguments.size(); ++at) {
    const std::string &argument = arguments[at];
    const bool is_value = at > 0 && arguments[at - 1].ends_with('=');
    if (is_value) {
      rest.push_back(argument);
    } else if (argument == "--json") {
      line.json = true;
    } else if (argument == "--help" || argument == "-h" || argument == "/?" || argument == "-?") {
      line.help = true;
    } else if (argument == "--version") {
      line.version = true;
    } else if (argument.starts_with("--machine=")) {
      line.machine = argument.substr(argument.find('=') + 1);
    } else if (argument == "--machine") {
      if (++at == arguments.size()) throw SyntaxError{"--machine has no directory"};
      line.machine = arguments[at];
    } else {
      rest.push_back(argument);
    }
  }
  return rest;
}

}  // namespace

CommandLine parse(const std::vector<std::string> &arguments) {
  CommandLine line;
  try {
    std::vector<std::string> rest = take_own_options(arguments, line);
    if (!rest.empty() && rest[0].starts_with("\\\\")) {
      line.refused =
          fmt::format("{}: the services of another computer cannot be reached; --machine DIR names a machine", rest[0]);
      return line;
    }
    if (rest.empty()) {
      line.help = !line.version;
      return line;
    }
    const std::string verb = folded(rest[0]);
    if (const auto found = kVerbs.find(verb); found != kVerbs.end()) {
      line.in_verb = found->second;
      if (!line.help) line.command = read_command(found->second, std::span(rest).subspan(1));
    } else if (std::find(std::begin(kRefused), std::end(kRefused), verb) != std::end(kRefused)) {
      line.refused_call = verb;
      line.refused = fmt::format(
          "'sc {}' has no meaning here: it is about processes, accounts or triggers, and this "
          "machine runs drivers",
          verb);
    } else {
      line.syntax_error = fmt::format("'{}' is no command", rest[0]);
    }
  } catch (const SyntaxError &error) {
    line.syntax_error = error.text;
  }
  return line;
}

}  // namespace ntemu::sc
