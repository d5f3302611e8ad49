// One-to-one case folding of UTF-16 units, as NT folds names.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace ntemu::rtl {

char16_t upcase_beyond_ascii(char16_t c);
char16_t downcase_beyond_ascii(char16_t c);

inline char16_t upcase(char16_t c) {
  if (c < 0x80) return c >= u'a' && c <= u'z' ? static_cast<char16_t>(c - 0x20) : c;
  return upcase_beyond_ascii(c);
}
inline char16_t downcase(char16_t c) {
  if (c < 0x80) return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + 0x20) : c;
  return downcase_beyond_ascii(c);
}
inline std::u16string upcase(std::u16string_view text) {
  std::u16string upper(text);
  for (char16_t &c : upper) c = upcase(c);
  return upper;
}
// Narrow text folds in ASCII only: a byte of a UTF-8 sequence has no case.
inline char upcase(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }
inline char downcase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

// NT's order: by unit, then by length; the result is the difference.
template <class Char>
int compare(std::basic_string_view<Char> first, std::basic_string_view<Char> second, bool ignore_case) {
  using Unit = std::conditional_t<sizeof(Char) == 1, unsigned char, char16_t>;
  const size_t common = std::min(first.size(), second.size());
  for (size_t i = 0; i < common; ++i) {
    if (first[i] == second[i]) continue;
    const int a = static_cast<Unit>(ignore_case ? upcase(first[i]) : first[i]);
    const int b = static_cast<Unit>(ignore_case ? upcase(second[i]) : second[i]);
    if (a != b) return a - b;
  }
  return static_cast<int>(first.size()) - static_cast<int>(second.size());
}

template <class Char>
bool equal(std::basic_string_view<Char> first, std::basic_string_view<Char> second, bool ignore_case) {
  return first.size() == second.size() && compare(first, second, ignore_case) == 0;
}

}  // namespace ntemu::rtl
