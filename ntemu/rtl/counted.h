// UNICODE_STRING and STRING seen as one thing, for the code that both share.
#pragma once

#include <cstring>
#include <string_view>

#include "nt/basetsd.h"
#include "ntemu/rtl/case.h"
#include "ntemu/rtl/memory.h"

namespace ntemu::rtl {

template <class String>
struct Unit;
template <>
struct Unit<UNICODE_STRING> {
  using type = char16_t;
};
template <>
struct Unit<STRING> {
  using type = char;
};

template <class String>
std::basic_string_view<typename Unit<String>::type> text_of(const String &string) {
  return {string.Buffer, string.Length / sizeof(*string.Buffer)};
}

template <class String>
void terminate_if_room(String &string) {
  constexpr size_t unit = sizeof(*string.Buffer);
  if (size_t{string.Length} + unit <= string.MaximumLength) string.Buffer[string.Length / unit] = 0;
}

// Point `string` at `source`, of which at most `limit` bytes count; false when there is more.
template <class String, class Char>
bool init(String &string, const Char *source, size_t limit) {
  size_t bytes = source ? std::char_traits<Char>::length(source) * sizeof(Char) : 0;
  const bool fits = bytes <= limit;
  if (!fits) bytes = limit;
  string.Length = static_cast<USHORT>(bytes);
  string.MaximumLength = static_cast<USHORT>(source ? bytes + sizeof(Char) : 0);
  string.Buffer = const_cast<Char *>(source);
  return fits;
}

template <class String>
void copy(String &destination, const String *source) {
  constexpr USHORT unit = sizeof(*destination.Buffer);
  const USHORT wanted = source ? source->Length : USHORT{0};
  USHORT room = destination.MaximumLength;
  room = static_cast<USHORT>(room - room % unit);
  const USHORT bytes = wanted < room ? wanted : room;
  if (bytes) std::memmove(destination.Buffer, source->Buffer, bytes);
  destination.Length = bytes;
  if (source) terminate_if_room(destination);
}

template <class String>
bool append(String &destination, const void *source, size_t bytes) {
  if (bytes > size_t{destination.MaximumLength} - destination.Length || destination.Length > destination.MaximumLength)
    return false;
  if (bytes) std::memmove(reinterpret_cast<char *>(destination.Buffer) + destination.Length, source, bytes);
  destination.Length = static_cast<USHORT>(destination.Length + bytes);
  terminate_if_room(destination);
  return true;
}

template <class String>
bool is_well_formed(const String &string) {
  return string.Length % sizeof(*string.Buffer) == 0 && string.MaximumLength % sizeof(*string.Buffer) == 0 &&
         string.Length <= string.MaximumLength && (string.Buffer || string.MaximumLength == 0);
}

template <class String>
bool is_prefix(const String &first, const String &second, bool ignore_case) {
  const auto a = text_of(first), b = text_of(second);
  return a.size() <= b.size() && equal(a, b.substr(0, a.size()), ignore_case);
}

template <class String>
void release(String &string) {
  if (string.Buffer) free_string(string.Buffer);
  string = {};
}

// Room for `bytes`, or null; at least one unit, so that an empty result has a buffer of its own.
template <class String>
bool allocate(String &string, size_t bytes) {
  using Char = typename Unit<String>::type;
  auto *buffer = static_cast<Char *>(allocate_string(bytes ? bytes : sizeof(Char)));
  if (!buffer) return false;
  string.Buffer = buffer;
  string.MaximumLength = static_cast<USHORT>(bytes);
  return true;
}

}  // namespace ntemu::rtl
