#include "tools/kd/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace ntemu::debug {
namespace {

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// "!mex.t" is "!t".
std::string plain_name(std::string_view name) {
  constexpr std::string_view kExtension = "!mex.";
  return name.starts_with(kExtension) ? "!" + std::string(name.substr(kExtension.size())) : std::string(name);
}

bool same_name(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  });
}

template <class Take>
void for_each_name(std::string_view names, const Take &take) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    take(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
}

// Needs nothing to look at.
bool is_of_session(const Command &command) {
  const auto own = session_commands();
  return std::any_of(own.begin(), own.end(), [&](const Command &each) { return &each == &command; });
}

// Names that need no blank behind them.
constexpr std::string_view kScript = "$$<";
constexpr int kDeepestScript = 16;
constexpr std::string_view kGlued[] = {"$$", "*", "~", "??", "?"};

// How long the name of the command in `text` is.
size_t name_length(std::string_view text) {
  for (const std::string_view name : kGlued) {
    if (text.starts_with(name)) return name.size();
  }
  return static_cast<size_t>(std::find_if(text.begin(), text.end(), is_blank) - text.begin());
}

bool run_command(Session &session, std::string_view text, Output &output) {
  session.refresh();
  output.begin_command(text);
  const bool succeeded = run_within(session, text, output);
  output.end_command(succeeded);
  return succeeded;
}

bool run_script(Session &session, std::string_view text, Output &output) {
  const std::string path(trimmed(text.substr(kScript.size())));
  std::ifstream file(path);
  if (!file || session.script_depth == kDeepestScript) {
    output.begin_command(text);
    output.error(file ? fmt::format("{}: scripts call each other too deeply", path)
                      : fmt::format("Command file execution failed, {}: {}", path, std::strerror(errno)));
    output.end_command(false);
    return false;
  }
  ++session.script_depth;
  bool succeeded = true;
  for (std::string line; !session.ended && std::getline(file, line);)
    succeeded = run_line(session, line, output) && succeeded;
  --session.script_depth;
  return succeeded;
}

// Where the command that `line` begins with ends: at a ; outside of quotes.
size_t command_end(std::string_view line) {
  if (line.starts_with('*') || line.starts_with("$$")) return line.size();
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == ';' && !quoted) return i;
  }
  return line.size();
}

}  // namespace

Arguments::Arguments(std::string_view name, std::string_view text) : name_(name), text_(text) {
  std::string word;
  bool quoted = false, any = false;
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (is_blank(c) && !quoted) {
      if (any) words_.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words_.push_back(std::move(word));
}

bool Arguments::take_option(std::string_view name) {
  const auto at = std::find(words_.begin(), words_.end(), name);
  if (at == words_.end()) return false;
  words_.erase(at);
  return true;
}

std::optional<std::string> Arguments::take_value(std::string_view name) {
  const auto at = std::find(words_.begin(), words_.end(), name);
  if (at == words_.end() || at + 1 == words_.end()) return std::nullopt;
  std::string value = std::move(*(at + 1));
  words_.erase(at, at + 2);
  return value;
}

const std::vector<const Command *> &all_commands() {
  static const std::vector<const Command *> all = [] {
    std::vector<const Command *> list;
    for (const auto commands :
         {code_commands(), machine_commands(), memory_commands(), module_commands(), session_commands(),
          stack_commands(), selection_commands(), type_commands(), inspection_commands()}) {
      for (const Command &command : commands) list.push_back(&command);
    }
    return list;
  }();
  return all;
}

const Command *find_command(std::string_view name) {
  const std::string wanted = plain_name(name);
  const Command *similar = nullptr;
  for (const Command *command : all_commands()) {
    bool same = false;
    for_each_name(command->names, [&](std::string_view candidate) {
      same |= candidate == wanted;
      if (!similar && same_name(candidate, wanted)) similar = command;
    });
    if (same) return command;
  }
  return similar;
}

bool run_within(Session &session, std::string_view text, Output &output) {
  const size_t length = name_length(text);
  const std::string name = plain_name(text.substr(0, length));
  if (const Command *command = find_command(name)) {
    const auto ended = session.target().ended();
    if (ended && !is_of_session(*command)) {
      output.error(ended->text);
      return false;
    }
    Arguments arguments(name, trimmed(text.substr(length)));
    return command->handler(session, arguments, output);
  }
  output.error(name.starts_with('!')
                   ? fmt::format("No export {} found", name.substr(1))
                   : fmt::format("Syntax error in '{}': there is no command {}; 'help' lists them", text, name));
  return false;
}

bool run_line(Session &session, std::string_view line, Output &output) {
  bool succeeded = true;
  while (!(line = trimmed(line)).empty() && !session.ended) {
    const size_t end = command_end(line);
    const std::string_view text = trimmed(line.substr(0, end));
    const auto run = text.starts_with(kScript) ? run_script : run_command;
    if (!text.empty()) succeeded = run(session, text, output) && succeeded;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return succeeded;
}

}  // namespace ntemu::debug
