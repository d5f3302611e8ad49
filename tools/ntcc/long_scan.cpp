#include "tools/ntcc/long_scan.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace ntemu::ntcc {
namespace {

struct Word {
  std::string_view text;  // empty: anything that is not an identifier
  Place place;
};

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Word> words() {
    while (at_ < source_.size()) step();
    return std::move(words_);
  }

 private:
  char peek(size_t ahead) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void advance() {
    if (source_[at_] == '\n') {
      line_++;
      line_start_ = at_ + 1;
    }
    at_++;
  }

  void skip_until(std::string_view end) {
    while (at_ < source_.size() && source_.substr(at_, end.size()) != end) advance();
    for (size_t i = 0; i < end.size() && at_ < source_.size(); i++) advance();
  }

  // A literal ends at its quote, or at the end of the line if it is unterminated.
  void skip_literal(char quote) {
    advance();
    while (at_ < source_.size() && source_[at_] != quote && source_[at_] != '\n') {
      if (source_[at_] == '\\' && at_ + 1 < source_.size()) advance();
      advance();
    }
    if (at_ < source_.size() && source_[at_] == quote) advance();
  }

  void skip_raw_string() {
    const size_t open = source_.find('(', at_);
    if (open == std::string_view::npos) return skip_literal('"');
    const std::string end = ")" + std::string(source_.substr(at_ + 1, open - at_ - 1)) + "\"";
    skip_until(end);
  }

  void skip_line_comment() {
    while (at_ < source_.size() && source_[at_] != '\n') {
      if (source_[at_] == '\\' && peek(1) == '\n') advance();
      advance();
    }
  }

  void step() {
    const char c = source_[at_];
    if (c == '/' && peek(1) == '/') return skip_line_comment();
    if (c == '/' && peek(1) == '*') {
      at_ += 2;
      return skip_until("*/");
    }
    if (std::isspace(static_cast<unsigned char>(c)) || c == '\\') return advance();
    const Place place = {line_, static_cast<int>(at_ - line_start_) + 1};
    if (starts_word(c)) {
      const size_t start = at_;
      while (at_ < source_.size() && in_word(source_[at_])) at_++;
      words_.push_back({source_.substr(start, at_ - start), place});
      const std::string_view word = words_.back().text;
      if (peek(0) == '"' && word.size() <= 3 && word.back() == 'R') skip_raw_string();
      return;
    }
    words_.push_back({{}, place});
    if (c == '"' || c == '\'') return skip_literal(c);
    if (std::isdigit(static_cast<unsigned char>(c))) {
      while (at_ < source_.size() && (in_word(source_[at_]) || source_[at_] == '\'')) at_++;
      return;
    }
    advance();
  }

  std::string_view source_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  std::vector<Word> words_;
};

bool is_specifier(std::string_view word) {
  constexpr std::string_view kSpecifiers[] = {"long",     "int",    "unsigned", "signed",  "const",
                                              "volatile", "double", "static",   "register"};
  return std::find(std::begin(kSpecifiers), std::end(kSpecifiers), word) != std::end(kSpecifiers);
}

}  // namespace

std::vector<Place> find_plain_long(std::string_view source) {
  const std::vector<Word> words = Lexer(source).words();
  std::vector<Place> places;
  for (size_t i = 0; i < words.size();) {
    int longs = 0;
    bool is_double = false;
    Place first;
    const size_t start = i;
    for (; i < words.size() && is_specifier(words[i].text); i++) {
      if (words[i].text == "long" && longs++ == 0) first = words[i].place;
      is_double |= words[i].text == "double";
    }
    if (longs == 1 && !is_double && (places.empty() || places.back().line != first.line)) places.push_back(first);
    if (i == start) i++;
  }
  return places;
}

std::optional<Place> find_word(std::string_view source, std::string_view word) {
  for (const Word &each : Lexer(source).words()) {
    if (each.text == word) return each.place;
  }
  return std::nullopt;
}

}  // namespace ntemu::ntcc
