#include "tools/kd/expression.h"

#include <fmt/format.h>

#include <cctype>

namespace ntemu::debug {
namespace {

constexpr int kDeepestExpression = 100;

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '?'; }
bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '!' || c == ':' || c == '.' ||
         c == '`' || c == '~';
}

int digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : 99;
}

std::optional<uint64_t> digits(std::string_view text, int radix) {
  uint64_t value = 0;
  bool any = false;
  for (const char c : text) {
    if (c == '`' && any) continue;
    uint64_t scaled;
    if (digit(c) >= radix || __builtin_mul_overflow(value, static_cast<uint64_t>(radix), &scaled)) return std::nullopt;
    if (__builtin_add_overflow(scaled, static_cast<uint64_t>(digit(c)), &value)) return std::nullopt;
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> number(std::string_view text) {
  if (text.size() > 2 && text[0] == '0') {
    switch (text[1]) {
      case 'x':
      case 'X':
        return digits(text.substr(2), 16);
      case 'n':
      case 'N':
        return digits(text.substr(2), 10);
      case 't':
      case 'T':
        return digits(text.substr(2), 8);
      case 'y':
      case 'Y':
        return digits(text.substr(2), 2);
      default:
        break;
    }
  }
  if (text.size() > 1 && (text.back() == 'h' || text.back() == 'H')) return digits(text.substr(0, text.size() - 1), 16);
  return digits(text, 16);
}

// By precedence, the loosest first; a longer operator before its beginning.
struct Operator {
  std::string_view text;
  int level;
};
constexpr Operator kOperators[] = {{"<<", 5}, {">>", 5}, {"<=", 4}, {">=", 4}, {"==", 4},  {"!=", 4},  {"|", 1},
                                   {"^", 2},  {"&", 3},  {"<", 4},  {">", 4},  {"=", 4},   {"+", 6},   {"-", 6},
                                   {"*", 7},  {"/", 7},  {"%", 7},  {"or", 1}, {"xor", 2}, {"and", 3}, {"mod", 7}};
constexpr int kTightest = 7;

struct Reader {
  std::string_view name;
  size_t size;
};
constexpr Reader kReaders[] = {{"poi", 8}, {"qwo", 8}, {"dwo", 4}, {"wo", 2}, {"by", 1}};

class Parser {
 public:
  Parser(std::string_view text, const Names &names) : text_(text), names_(names) {}

  Result<uint64_t> parse() {
    auto value = binary(1);
    if (!value) return value;
    skip();
    if (at_ < text_.size()) return fail("unexpected '" + std::string(text_.substr(at_)) + "'");
    return value;
  }

 private:
  Failure fail(const std::string &what) const { return Failure{fmt::format("Syntax error in '{}': {}", text_, what)}; }

  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  const Operator *operator_at(int level) {
    skip();
    for (const Operator &candidate : kOperators) {
      if (!text_.substr(at_).starts_with(candidate.text)) continue;
      const size_t end = at_ + candidate.text.size();
      if (std::isalpha(static_cast<unsigned char>(candidate.text[0])) && end < text_.size() && is_name_part(text_[end]))
        continue;
      return candidate.level == level ? &candidate : nullptr;
    }
    return nullptr;
  }

  Result<uint64_t> binary(int level) {
    if (level > kTightest) return unary();
    auto left = binary(level + 1);
    while (left) {
      const Operator *found = operator_at(level);
      if (!found) break;
      at_ += found->text.size();
      auto right = binary(level + 1);
      if (!right) return right;
      left = apply(found->text, *left, *right);
    }
    return left;
  }

  Result<uint64_t> apply(std::string_view name, uint64_t left, uint64_t right) const {
    switch (name[0]) {
      case '+':
        return left + right;
      case '-':
        return left - right;
      case '*':
        return left * right;
      case '/':
        return right ? Result<uint64_t>(left / right) : fail("division by zero");
      case '%':
      case 'm':
        return right ? Result<uint64_t>(left % right) : fail("division by zero");
      case '&':
      case 'a':
        return left & right;
      case '|':
      case 'o':
        return left | right;
      case '^':
      case 'x':
        return left ^ right;
      case '!':
        return uint64_t{left != right};
      case '=':
        return uint64_t{left == right};
      default:
        break;
    }
    if (name == "<<") return right < 64 ? left << right : 0;
    if (name == ">>") return right < 64 ? left >> right : 0;
    if (name == "<=") return uint64_t{left <= right};
    if (name == ">=") return uint64_t{left >= right};
    return uint64_t{name == "<" ? left < right : left > right};
  }

  Result<uint64_t> unary() {
    if (++depth_ > kDeepestExpression) return fail("it is too deep");
    auto value = operand();
    --depth_;
    return value;
  }

  Result<uint64_t> operand() {
    if (take('-')) return with(unary(), [](uint64_t value) { return -value; });
    if (take('+')) return unary();
    if (take('~')) return with(unary(), [](uint64_t value) { return ~value; });
    if (take('(')) return closed(')');
    if (take('[')) return closed(']');
    if (take('@')) {
      take('!');
      return pseudo(word());
    }
    const bool symbol_only = take('!');
    const std::string_view name = word();
    if (name.empty())
      return fail(at_ < text_.size() ? "unexpected '" + std::string(text_.substr(at_)) + "'" : "it ends too early");
    if (!symbol_only) {
      if (const auto value = number(name)) return *value;
      for (const Reader &reader : kReaders) {
        if (name == reader.name) return read(unary(), reader.size);
      }
      if (name == "not") return with(unary(), [](uint64_t value) { return uint64_t{value == 0}; });
      if (name == "low") return with(unary(), [](uint64_t value) { return value & 0xffffffff; });
      if (name == "hi") return with(unary(), [](uint64_t value) { return value >> 32; });
      if (name[0] == '$') return pseudo(name);
    }
    if (names_.symbol) {
      if (const auto value = names_.symbol(name)) return *value;
    }
    if (names_.pseudo && !symbol_only) {
      if (const auto value = names_.pseudo(name)) return *value;
    }
    return Failure{fmt::format("Couldn't resolve error at '{}'", name)};
  }

  Result<uint64_t> closed(char end) {
    auto value = binary(1);
    if (value && !take(end)) return fail(fmt::format("'{}' is missing", end));
    return value;
  }

  std::string_view word() {
    skip();
    const size_t start = at_;
    if (at_ == text_.size() || (!is_name_start(text_[at_]) && !std::isdigit(static_cast<unsigned char>(text_[at_]))))
      return {};
    while (at_ < text_.size() && is_name_part(text_[at_])) {
      if (text_.substr(at_).starts_with("!=")) break;
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  Result<uint64_t> pseudo(std::string_view name) const {
    if (names_.pseudo) {
      if (const auto value = names_.pseudo(name)) return *value;
    }
    return Failure{fmt::format("Bad register error at '@{}'", name)};
  }

  Result<uint64_t> read(const Result<uint64_t> &address, size_t size) const {
    if (!address) return address;
    if (names_.memory) {
      if (const auto value = names_.memory(*address, size)) return *value;
    }
    return Failure{fmt::format("Memory access error at {:#x}", *address)};
  }

  template <class Change>
  static Result<uint64_t> with(Result<uint64_t> value, const Change &change) {
    return value ? Result<uint64_t>(change(*value)) : value;
  }

  const std::string_view text_;
  const Names &names_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<uint64_t> evaluate(std::string_view text, const Names &names) { return Parser(text, names).parse(); }

}  // namespace ntemu::debug
