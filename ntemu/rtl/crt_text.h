// The string functions of the drivers' C library, once for narrow and for 16-bit wide characters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "ntemu/rtl/case.h"

namespace ntemu::rtl::crt {

using Errno = int;
inline constexpr Errno kInvalid = 22;    // EINVAL
inline constexpr Errno kRange = 34;      // ERANGE
inline constexpr Errno kTruncated = 80;  // STRUNCATE
inline constexpr size_t kTruncate = static_cast<size_t>(-1);

template <class Char>
int value_of(Char c) {
  return static_cast<std::conditional_t<sizeof(Char) == 1, unsigned char, char16_t>>(c);
}

template <class Char>
size_t length(const Char *text, size_t limit = kTruncate) {
  size_t count = 0;
  while (count < limit && text[count]) ++count;
  return count;
}

template <class Char>
Char *copy(Char *destination, const Char *source) {
  std::copy_n(source, length(source) + 1, destination);
  return destination;
}

// strncpy: pads with zeros, does not terminate a full buffer.
template <class Char>
Char *copy(Char *destination, const Char *source, size_t count) {
  const size_t copied = length(source, count);
  std::copy_n(source, copied, destination);
  std::fill(destination + copied, destination + count, Char{});
  return destination;
}

template <class Char>
Char *append(Char *destination, const Char *source, size_t limit = kTruncate) {
  Char *end = destination + length(destination);
  const size_t copied = length(source, limit);
  std::copy_n(source, copied, end);
  end[copied] = 0;
  return destination;
}

template <class Char>
int compare(const Char *first, const Char *second, size_t limit, bool ignore_case) {
  for (size_t i = 0; i < limit; ++i) {
    const int a = value_of(ignore_case ? downcase(first[i]) : first[i]);
    const int b = value_of(ignore_case ? downcase(second[i]) : second[i]);
    if (a != b) return a < b ? -1 : 1;
    if (a == 0) break;
  }
  return 0;
}

template <class Char>
Char *find(const Char *text, Char c) {
  for (; *text != c; ++text) {
    if (!*text) return nullptr;
  }
  return const_cast<Char *>(text);
}

template <class Char>
Char *find_last(const Char *text, Char c) {
  const Char *found = nullptr;
  for (;; ++text) {
    if (*text == c) found = text;
    if (!*text) return const_cast<Char *>(found);
  }
}

template <class Char>
Char *find(const Char *text, const Char *part) {
  const size_t at = std::basic_string_view<Char>(text).find(part);
  return at == std::basic_string_view<Char>::npos ? nullptr : const_cast<Char *>(text) + at;
}

template <class Char>
bool contains(const Char *set, Char c) {
  return c && find(set, c);
}

// Length of the beginning whose characters are (`inside`) or are not in `set`.
template <class Char>
size_t span(const Char *text, const Char *set, bool inside) {
  size_t count = 0;
  while (text[count] && contains(set, text[count]) == inside) ++count;
  return count;
}

template <class Char>
Char *next_token(Char *text, const Char *delimiters, Char **context) {
  if (!context || !delimiters || (!text && !*context)) return nullptr;
  if (!text) text = *context;
  text += span(text, delimiters, true);
  if (!*text) {
    *context = text;
    return nullptr;
  }
  Char *end = text + span(text, delimiters, false);
  *context = end;
  if (*end) {
    *end = 0;
    *context = end + 1;
  }
  return text;
}

template <class Char, class Change>
Char *change(Char *text, Change &&change_one) {
  for (Char *c = text; *c; ++c) *c = change_one(*c);
  return text;
}

template <class Char, class Change>
Errno change_checked(Char *text, size_t size, Change &&change_one) {
  if (!text || size == 0) return kInvalid;
  if (length(text, size) == size) {
    text[0] = 0;
    return kInvalid;
  }
  change(text, change_one);
  return 0;
}

// The _s forms: behind the first `start` characters, at most `count` of `source`.
template <class Char>
Errno place_checked(Char *destination, size_t size, size_t start, const Char *source, size_t count) {
  if (count == 0) {
    destination[start] = 0;
    return 0;
  }
  if (!source) {
    destination[0] = 0;
    return kInvalid;
  }
  const size_t room = size - start - 1;
  const size_t wanted = length(source, std::min(count, size));
  if (wanted > room && count != kTruncate) {
    destination[0] = 0;
    return kRange;
  }
  const size_t copied = std::min(wanted, room);
  std::copy_n(source, copied, destination + start);
  destination[start + copied] = 0;
  return wanted > room ? kTruncated : 0;
}

// strcpy_s and strcat_s have no count: `limit` is one that no source reaches, and not kTruncate.
inline constexpr size_t kWhole = kTruncate - 1;

template <class Char>
Errno copy_checked(Char *destination, size_t size, const Char *source, size_t count) {
  if (!destination || size == 0) return kInvalid;
  return place_checked(destination, size, 0, source, count);
}

template <class Char>
Errno append_checked(Char *destination, size_t size, const Char *source, size_t count) {
  if (!destination || size == 0) return kInvalid;
  const size_t start = length(destination, size);
  if (start == size) {
    destination[0] = 0;
    return kInvalid;
  }
  return place_checked(destination, size, start, source, count);
}

}  // namespace ntemu::rtl::crt
