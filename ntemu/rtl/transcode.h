// UTF-8 and UTF-16 one character at a time, without allocation, so that it may run at any IRQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ntemu::rtl {

inline constexpr char32_t kReplacement = 0xFFFD;

// The character at the front of a non-empty text, and how many units it takes.
struct Decoded {
  char32_t character;
  size_t units;
  bool valid;
};

inline Decoded decode(std::u16string_view text) {
  const char16_t c = text[0];
  if (c < 0xD800 || c > 0xDFFF) return {c, 1, true};
  if (c < 0xDC00 && text.size() > 1 && text[1] >= 0xDC00 && text[1] <= 0xDFFF) {
    return {0x10000 + ((c & char32_t{0x3FF}) << 10) + (text[1] & char32_t{0x3FF}), 2, true};
  }
  return {kReplacement, 1, false};
}

// An invalid sequence takes its longest well-formed beginning, as Unicode recommends, and at least one byte.
inline Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return {kReplacement, 1, false};
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t c = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {kReplacement, i, false};
    c = (c << 6) | (byte(i) & 0x3FU);
    low = 0x80, high = 0xBF;
  }
  return {c, length, true};
}

// Both write to `out` (4 and 2 units of room) and return how many units they wrote.
inline size_t encode(char32_t c, char *out) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | (c >> 6)), out[1] = tail(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (c >> 12)), out[1] = tail(6), out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (c >> 18)), out[1] = tail(12), out[2] = tail(6), out[3] = tail(0);
  return 4;
}

inline size_t encode(char32_t c, char16_t *out) {
  if (c < 0x10000) {
    out[0] = static_cast<char16_t>(c);
    return 1;
  }
  out[0] = static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
  out[1] = static_cast<char16_t>(0xDC00 + (c & 0x3FF));
  return 2;
}

struct Transcoded {
  size_t units;    // written, or wanted when there is no destination
  bool complete;   // everything fitted
  bool all_valid;  // nothing became U+FFFD
};

// Whole characters only; `out` may be null, which counts.
template <class To, class From>
Transcoded transcode(std::basic_string_view<From> text, To *out, size_t room) {
  Transcoded result{0, true, true};
  while (!text.empty()) {
    const Decoded next = decode(text);
    To units[4];
    const size_t count = encode(next.character, units);
    if (out) {
      if (room - result.units < count) {
        result.complete = false;
        return result;
      }
      for (size_t i = 0; i < count; ++i) out[result.units + i] = units[i];
    }
    result.all_valid &= next.valid;
    result.units += count;
    text.remove_prefix(next.units);
  }
  return result;
}

}  // namespace ntemu::rtl
