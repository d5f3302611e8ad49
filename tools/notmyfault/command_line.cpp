#include "tools/notmyfault/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ntemu::notmyfault {
namespace {

struct SyntaxError {
  std::string text;
};

std::string folded(std::string_view text) {
  std::string lower(text);
  for (char &c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

std::optional<uint32_t> number(std::string_view text, int base) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string> &words) : words_(words) {}

  void run(CommandLine &line) {
    while (at_ < words_.size()) take(line, words_[at_++]);
  }

 private:
  std::optional<std::string> value() {
    if (at_ == words_.size() || words_[at_].starts_with('/') || words_[at_].starts_with('-')) return std::nullopt;
    return words_[at_++];
  }
  std::string value_of(const std::string &option) {
    const auto found = value();
    if (!found) throw SyntaxError{fmt::format("{} has no value", option)};
    return *found;
  }
  void verb(CommandLine &line, Verb verb) {
    if (has_verb_) throw SyntaxError{"one thing at a time: /crash, /hang or /bugcheck"};
    has_verb_ = true;
    line.verb = verb;
  }
  // One of 1 to `most`; the first when none is given.
  void type(CommandLine &line, const char *what, uint32_t most) {
    const auto text = value();
    if (!text) return;
    const auto chosen = number(*text, 10);
    if (!chosen || *chosen < 1 || *chosen > most)
      throw SyntaxError{fmt::format("'{}' is no type of {}: they are 1 to {}", *text, what, most)};
    line.value = *chosen;
  }

  void take(CommandLine &line, const std::string &word) {
    // As Sysinternals' command line has them, too: "notmyfaultc crash 0x01".
    const std::string name = folded(word.substr(word.starts_with('/') || word.starts_with('-') ? 1 : 0));
    if (word == "--machine") {
      if (at_ == words_.size()) throw SyntaxError{"--machine has no value"};
      line.machine = words_[at_++];
    } else if (word == "--json") {
      line.json = true;
    } else if (word == "--version") {
      verb(line, Verb::kVersion);
    } else if (word == "--help" || name == "?" || name == "help") {
      verb(line, Verb::kHelp);
    } else if (name == "crash") {
      verb(line, Verb::kCrash);
      type(line, "crash", kCrashes);
    } else if (name == "hang") {
      verb(line, Verb::kHang);
      type(line, "hang", kHangs);
    } else if (name == "bugcheck") {
      verb(line, Verb::kBugcheck);
      const std::string text = value_of(word);
      const auto code = number(text, 16);
      if (!code) throw SyntaxError{fmt::format("'{}' is no bugcheck's code, like 0xE2", text)};
      line.value = *code;
    } else if (name != "accepteula") {  // there is none to accept
      throw SyntaxError{fmt::format("'{}' is no option", word)};
    }
  }

  const std::vector<std::string> &words_;
  size_t at_ = 0;
  bool has_verb_ = false;
};

}  // namespace

CommandLine parse(const std::vector<std::string> &arguments) {
  CommandLine line;
  line.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();  // for errors before it
  try {
    Parser(arguments).run(line);
  } catch (const SyntaxError &error) {
    line.syntax_error = error.text;
  }
  return line;
}

}  // namespace ntemu::notmyfault
