// Counted strings for the tests of rtl.
#pragma once

#include <string>
#include <string_view>

#include "nt/basetsd.h"
#include "nt/status.h"

namespace ntemu::test {

// A counted string that borrows `text`.
inline UNICODE_STRING counted(std::u16string_view text) {
  const auto bytes = static_cast<USHORT>(text.size() * 2);
  return {bytes, bytes, const_cast<char16_t *>(text.data())};
}
inline STRING counted(std::string_view text) {
  const auto bytes = static_cast<USHORT>(text.size());
  return {bytes, bytes, const_cast<char *>(text.data())};
}

// An owned destination of `capacity` bytes, with a guard unit behind them that must survive.
template <size_t capacity>
struct Wide {
  char16_t buffer[capacity / 2 + 1];
  UNICODE_STRING string{0, capacity, buffer};

  explicit Wide(std::u16string_view text = {}) {
    std::fill(std::begin(buffer), std::end(buffer), u'#');
    text.copy(buffer, text.size());
    string.Length = static_cast<USHORT>(text.size() * 2);
  }
  std::u16string text() const { return {buffer, string.Length / 2U}; }
  bool guard_intact() const { return buffer[capacity / 2] == u'#'; }
};

template <size_t capacity>
struct Narrow {
  char buffer[capacity + 1];
  STRING string{0, capacity, buffer};

  explicit Narrow(std::string_view text = {}) {
    std::fill(std::begin(buffer), std::end(buffer), '#');
    text.copy(buffer, text.size());
    string.Length = static_cast<USHORT>(text.size());
  }
  std::string text() const { return {buffer, string.Length}; }
  bool guard_intact() const { return buffer[capacity] == '#'; }
};

inline std::u16string text_of(const UNICODE_STRING &string) { return {string.Buffer, string.Length / 2U}; }
inline std::string text_of(const STRING &string) { return {string.Buffer, string.Length}; }

}  // namespace ntemu::test
