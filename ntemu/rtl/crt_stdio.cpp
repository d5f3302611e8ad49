// Formatting into memory for the drivers' C library, over the NT printf engine.
#include <algorithm>
#include <cstdint>

#include "ntemu/rtl/crt.h"
#include "ntemu/rtl/crt_text.h"
#include "ntemu/rtl/format.h"

using namespace ntemu::rtl;

namespace {

constexpr size_t kUnbounded = SIZE_MAX / 4;

template <class Char>
int print(Char *buffer, const Char *text, va_list arguments) {
  const size_t length = format(buffer, kUnbounded, text, arguments);
  buffer[length] = 0;
  return static_cast<int>(length);
}

// _snprintf: a full buffer is not terminated, a cut text gives -1.
template <class Char>
int print_counted(Char *buffer, size_t count, const Char *text, va_list arguments) {
  const size_t length = format(buffer, buffer ? count : 0, text, arguments);
  if (buffer && length < count) buffer[length] = 0;
  return buffer && length > count ? -1 : static_cast<int>(length);
}

// C99: always terminated; `cut` is the result of a text that did not fit, or -2 for its length.
template <class Char>
int print_terminated(Char *buffer, size_t count, const Char *text, va_list arguments, int cut) {
  const size_t length = format(buffer, count ? count - 1 : 0, text, arguments);
  if (count) buffer[std::min(length, count - 1)] = 0;
  return length >= count && cut != -2 ? cut : static_cast<int>(length);
}

// The _s forms; `count` limits the text, and a text that does not fit `size` empties the buffer.
template <class Char>
int print_checked(Char *buffer, size_t size, size_t count, const Char *text, va_list arguments) {
  if (!buffer || size == 0) return -1;
  buffer[0] = 0;
  if (!text) return -1;
  const size_t room = std::min(size - 1, count);
  const size_t length = format(buffer, room, text, arguments);
  const bool may_cut = count < size || count == crt::kTruncate;
  buffer[length <= room ? length : may_cut ? room : 0] = 0;
  return length <= room ? static_cast<int>(length) : -1;
}

}  // namespace

extern "C" {

int nt_vsprintf(char *buffer, const char *text, va_list arguments) { return print(buffer, text, arguments); }

int nt_sprintf(char *buffer, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt_vsprintf(buffer, text, arguments);
  va_end(arguments);
  return length;
}

int nt_vsnprintf(char *buffer, size_t count, const char *text, va_list arguments) {
  return print_terminated(buffer, count, text, arguments, -2);
}

int nt_snprintf(char *buffer, size_t count, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt_vsnprintf(buffer, count, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vsnprintf(char *buffer, size_t count, const char *text, va_list arguments) {
  return print_counted(buffer, count, text, arguments);
}

int nt__snprintf(char *buffer, size_t count, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vsnprintf(buffer, count, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vscprintf(const char *text, va_list arguments) {
  return static_cast<int>(format(static_cast<char *>(nullptr), 0, text, arguments));
}

int nt__scprintf(const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vscprintf(text, arguments);
  va_end(arguments);
  return length;
}

int nt_vsprintf_s(char *buffer, size_t size, const char *text, va_list arguments) {
  return print_checked(buffer, size, crt::kTruncate - 1, text, arguments);
}

int nt_sprintf_s(char *buffer, size_t size, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt_vsprintf_s(buffer, size, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vsnprintf_s(char *buffer, size_t size, size_t count, const char *text, va_list arguments) {
  return print_checked(buffer, size, count, text, arguments);
}

int nt__snprintf_s(char *buffer, size_t size, size_t count, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vsnprintf_s(buffer, size, count, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vswprintf(char16_t *buffer, const char16_t *text, va_list arguments) { return print(buffer, text, arguments); }

int nt__swprintf(char16_t *buffer, const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vswprintf(buffer, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vswprintf_c(char16_t *buffer, size_t count, const char16_t *text, va_list arguments) {
  return print_terminated(buffer, count, text, arguments, -1);
}

int nt__swprintf_c(char16_t *buffer, size_t count, const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vswprintf_c(buffer, count, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vsnwprintf(char16_t *buffer, size_t count, const char16_t *text, va_list arguments) {
  return print_counted(buffer, count, text, arguments);
}

int nt__snwprintf(char16_t *buffer, size_t count, const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vsnwprintf(buffer, count, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vscwprintf(const char16_t *text, va_list arguments) {
  return static_cast<int>(format(static_cast<char16_t *>(nullptr), 0, text, arguments));
}

int nt__scwprintf(const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vscwprintf(text, arguments);
  va_end(arguments);
  return length;
}

int nt_vswprintf_s(char16_t *buffer, size_t size, const char16_t *text, va_list arguments) {
  return print_checked(buffer, size, crt::kTruncate - 1, text, arguments);
}

int nt_swprintf_s(char16_t *buffer, size_t size, const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt_vswprintf_s(buffer, size, text, arguments);
  va_end(arguments);
  return length;
}

int nt__vsnwprintf_s(char16_t *buffer, size_t size, size_t count, const char16_t *text, va_list arguments) {
  return print_checked(buffer, size, count, text, arguments);
}

int nt__snwprintf_s(char16_t *buffer, size_t size, size_t count, const char16_t *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int length = nt__vsnwprintf_s(buffer, size, count, text, arguments);
  va_end(arguments);
  return length;
}

}  // extern "C"
