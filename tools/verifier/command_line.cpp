#include "tools/verifier/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace ntemu::verifier {
namespace {

using nlohmann::json;

struct SyntaxError {
  std::string text;
};
struct Refused {
  std::string text;
};

constexpr uint32_t kStandard = 0x209BB;
constexpr uint32_t kFaults = 0x4;
constexpr uint32_t kCertain = 10000;

struct Option {
  uint32_t flag;
  unsigned rule_class;
  const char *word;  // of /flags, beside the number
};
// Source: the tables of verifier.exe /?; the words are ntemu's.
constexpr Option kOptions[] = {
    {0x1, 1, "special_pool"},
    {0x2, 2, "force_irql"},
    {0x4, 3, "low_resources"},
    {0x8, 4, "pool_tracking"},
    {0x10, 5, "io"},
    {0x20, 6, "deadlock"},
    {0x80, 8, "dma"},
    {0x100, 9, "security"},
    {0x200, 10, "force_pending"},
    {0x400, 11, "irp_logging"},
    {0x800, 12, "miscellaneous"},
    {0x2000, 14, "mdl_stack"},
    {0x4000, 15, "mdl_driver"},
    {0x8000, 16, "power_delay"},
    {0x10000, 17, "port_miniport"},
    {0x20000, 18, "ddi"},
    {0x40000, 19, "systematic"},
    {0x80000, 20, "ddi_additional"},
    {0x200000, 22, "ndis"},
    {0x800000, 24, "delay_fuzzing"},
    {0x1000000, 25, "vm_switch"},
    {0x2000000, 26, "code_integrity"},
};
// Rule classes without a flag, which change nothing here: driver isolation, WDF, more DDI rules, DIF mode.
constexpr unsigned kClassesWithoutFlag[] = {33, 34, 35, 36};

std::string folded(std::string_view text) {
  std::string lower(text);
  for (char &c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

// Decimal, 0x, 0o or 0b, as verifier.exe reads them.
std::optional<uint32_t> number(std::string_view text) {
  int base = 10;
  if (text.size() > 2 && text[0] == '0') {
    const char kind = folded(text.substr(1, 1))[0];
    base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    if (base != 10) text.remove_prefix(2);
  }
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

uint32_t number_or_throw(std::string_view what, const std::string &text, uint32_t most) {
  const auto value = number(text);
  if (!value || *value > most) throw SyntaxError{fmt::format("'{}' is no {} (0 to {})", text, what, most)};
  return *value;
}

// A number, or an option's word; several may be joined by commas.
uint32_t flags_of(const std::string &text) {
  uint32_t flags = 0;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string word = folded(text.substr(at, end - at));
    at = end + 1;
    if (const auto value = number(word)) {
      uint32_t known = 0;
      for (const Option &option : kOptions) known |= option.flag;
      if (*value & ~known)
        throw SyntaxError{fmt::format("0x{:x} holds flags that are none of Driver Verifier's", *value)};
      flags |= *value;
      continue;
    }
    const auto found = std::find_if(std::begin(kOptions), std::end(kOptions),
                                    [&](const Option &option) { return word == option.word; });
    if (found == std::end(kOptions)) throw SyntaxError{fmt::format("'{}' is no number and no option", word)};
    flags |= found->flag;
  }
  return flags;
}

uint32_t flag_of_class(const std::string &text) {
  const auto value = number(text);
  if (value) {
    for (const Option &option : kOptions) {
      if (option.rule_class == *value) return option.flag;
    }
    for (const unsigned each : kClassesWithoutFlag) {
      if (each == *value) return 0;
    }
  }
  throw SyntaxError{fmt::format("'{}' is no rule class", text)};
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string> &words) : words_(words) {}

  void run(CommandLine &line) {
    while (at_ < words_.size()) take(line, words_[at_++]);
    finish(line);
  }

 private:
  // A path begins with a slash too, but is no driver's name.
  static bool is_option(const std::string &word) { return word.starts_with('/') || word.starts_with('-'); }

  std::vector<std::string> values() {
    std::vector<std::string> found;
    while (at_ < words_.size() && !is_option(words_[at_])) found.push_back(words_[at_++]);
    return found;
  }
  std::vector<std::string> some(const std::string &option) {
    auto found = values();
    if (found.empty()) throw SyntaxError{fmt::format("{} has no value", option)};
    return found;
  }
  std::vector<std::string> drivers(const std::string &option) {
    auto names = some(option);
    for (const std::string &name : names) {
      if (name.find_first_of("*?/\\") != std::string::npos)
        throw SyntaxError{fmt::format("'{}' is no driver's name: wildcards and paths are not supported", name)};
    }
    return names;
  }
  std::string value(const std::string &option) {
    if (at_ == words_.size()) throw SyntaxError{fmt::format("{} has no value", option)};
    return words_[at_++];
  }

  void verb(CommandLine &line, Verb verb) {
    if (verb_ && *verb_ != verb) throw SyntaxError{"these options do not go together"};
    verb_ = verb;
    line.verb = verb;
  }
  void add_flags(uint32_t flags) { level_ = level_.value_or(0) | flags; }

  void take(CommandLine &line, const std::string &word) {
    if (word == "--machine") {
      line.machine = value(word);
    } else if (word == "--json") {
      line.json = true;
    } else if (word == "--version") {
      verb(line, Verb::kVersion);
    } else if (word == "--help") {
      verb(line, Verb::kHelp);
    } else if (!is_option(word)) {
      throw SyntaxError{fmt::format("'{}' is no option", word)};
    } else {
      take_option(line, folded(word.substr(1)), word);
    }
  }

  void take_option(CommandLine &line, const std::string &name, const std::string &word) {
    if (name == "?" || name == "help") {
      verb(line, Verb::kHelp);
    } else if (name == "query") {
      verb(line, Verb::kQuery);
    } else if (name == "querysettings") {
      verb(line, Verb::kQuerySettings);
    } else if (name == "reset") {
      verb(line, Verb::kReset);
    } else if (name == "volatile") {
      volatile_ = true;
    } else if (name == "standard") {
      add_flags(kStandard);
    } else if (name == "flags") {
      for (const std::string &each : some(word)) add_flags(flags_of(each));
    } else if (name == "rc" || name == "ruleclasses" || name == "dif") {
      for (const std::string &each : some(word)) add_flags(flag_of_class(each));
    } else if (name == "all") {
      set_["all"] = true;
    } else if (name == "driver") {
      set_["drivers"] = drivers(word);
    } else if (name == "driver.exclude") {
      set_["exclude"] = drivers(word);
    } else if (name == "adddriver") {
      change_["add"] = drivers(word);
    } else if (name == "removedriver") {
      change_["remove"] = drivers(word);
    } else if (name == "faults") {
      take_faults();
    } else if (name == "seed") {
      seed_ = number_or_throw("seed", value(word), UINT32_MAX);
    } else {
      refuse(name, word);
    }
  }

  // [probability [pool_tags [applications [delay_minutes]]]]
  void take_faults() {
    const auto words = values();
    if (words.size() > 4) throw SyntaxError{fmt::format("'{}' is too much for /faults", words[4])};
    faults_ = json::object();
    if (!words.empty()) (*faults_)["probability"] = number_or_throw("probability", words[0], kCertain);
    if (words.size() > 1) (*faults_)["tags"] = words[1];
    if (words.size() > 2) (*faults_)["applications"] = words[2];
    if (words.size() > 3) (*faults_)["delay_minutes"] = number_or_throw("number of minutes", words[3], UINT32_MAX);
    add_flags(kFaults);
  }

  [[noreturn]] static void refuse(const std::string &name, const std::string &word) {
    static const std::map<std::string, const char *> kKnown = {
        {"bootmode", "settings hold until they are reset"},
        {"bc", "settings hold until they are reset"},
        {"rules", "the rules cannot be disabled one by one"},
        {"faultssystematic", "the option is /flags 0x40000; it has no settings"},
        {"log", "'verifier /query --json' tells the counters at any time"},
        {"interval", "there is no /log"},
        {"domain", "there are no verifier extensions"},
        {"logging", "there are no verifier extensions"},
        {"livedump", "there are no verifier extensions"},
        {"onecheck", "there are no verifier extensions"},
        {"now", "use /volatile"},
        {"stop", "use /volatile /removedriver"},
        {"persistthroughupgrade", "there are no upgrades"}};
    if (const auto found = kKnown.find(name); found != kKnown.end())
      throw Refused{fmt::format("{} is not supported: {}", word, found->second)};
    throw SyntaxError{fmt::format("'{}' is no option", word)};
  }

  void finish(CommandLine &line) {
    const bool changes = level_ || faults_ || seed_ || volatile_ || !set_.empty() || !change_.empty();
    if (verb_ && changes) throw SyntaxError{"these options do not go together"};
    if (verb_ || !changes) return;
    if (!change_.empty() && !volatile_) throw SyntaxError{"/adddriver and /removedriver need /volatile"};
    if (volatile_ && !set_.empty())
      throw SyntaxError{"with /volatile, drivers are named by /adddriver and /removedriver"};
    if (volatile_ && seed_) throw SyntaxError{"/seed does not go with /volatile"};
    if (set_.contains("all") && set_.contains("drivers")) throw SyntaxError{"/all and /driver do not go together"};
    if (set_.contains("exclude") && !set_.contains("all")) throw SyntaxError{"/driver.exclude needs /all"};
    line.verb = volatile_ ? Verb::kVolatile : Verb::kSet;
    line.arguments = volatile_ ? change_ : set_;
    if (level_) line.arguments["level"] = *level_;
    if (faults_) line.arguments["faults"] = *faults_;
    if (seed_) line.arguments["seed"] = *seed_;
    if (volatile_ && line.arguments.empty())
      throw SyntaxError{"/volatile needs /flags, /faults, /adddriver or /removedriver"};
  }

  const std::vector<std::string> &words_;
  size_t at_ = 0;
  std::optional<Verb> verb_;
  bool volatile_ = false;
  std::optional<uint32_t> level_, seed_;
  std::optional<json> faults_;
  json set_ = json::object(), change_ = json::object();
};

}  // namespace

CommandLine parse(const std::vector<std::string> &arguments) {
  CommandLine line;
  line.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();  // for errors before it
  try {
    Parser(arguments).run(line);
  } catch (const SyntaxError &error) {
    line.syntax_error = error.text;
  } catch (const Refused &refused) {
    line.refused = refused.text;
  }
  return line;
}

}  // namespace ntemu::verifier
