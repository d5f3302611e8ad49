// UTF-16 to and from UTF-8. Unpaired surrogates survive the round trip (WTF-8), as NT file names need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nt/basetsd.h"

namespace ntemu::base {

std::string to_utf8(std::u16string_view text);
// nullopt when `text` is not (W)UTF-8.
std::optional<std::u16string> to_utf16(std::string_view text);
// As to_utf16, with U+FFFD for each byte that is not part of a character.
std::u16string to_utf16_lossy(std::string_view text);

inline std::u16string_view view(const UNICODE_STRING &text) {
  return {reinterpret_cast<const char16_t *>(text.Buffer), text.Length / sizeof(char16_t)};
}
// Borrows: `text` must outlive the result.
inline UNICODE_STRING to_unicode_string(std::u16string_view text) {
  const auto bytes = static_cast<USHORT>(text.size() * sizeof(char16_t));
  return {bytes, bytes, const_cast<WCHAR *>(reinterpret_cast<const WCHAR *>(text.data()))};
}

}  // namespace ntemu::base
