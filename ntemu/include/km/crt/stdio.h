/* Formatting into memory, by NT rules; there are no files. */
#ifndef NTEMU_KM_CRT_STDIO_H
#define NTEMU_KM_CRT_STDIO_H

#include "crtdefs.h"

NTEMU_CRT_BEGIN
/* MSVC rules: at most count characters, -1 when cut, no terminator when the text fills the buffer. */
int _snprintf(char *buffer, size_t count, const char *format, ...) NTEMU_CRT_NAME(_snprintf);
int _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments) NTEMU_CRT_NAME(_vsnprintf);
int _snwprintf(wchar_t *buffer, size_t count, const wchar_t *format, ...) NTEMU_CRT_NAME(_snwprintf);
int _vsnwprintf(wchar_t *buffer, size_t count, const wchar_t *format, va_list arguments) NTEMU_CRT_NAME(_vsnwprintf);

/* Length that the text would have. */
int _scprintf(const char *format, ...) NTEMU_CRT_NAME(_scprintf);
int _vscprintf(const char *format, va_list arguments) NTEMU_CRT_NAME(_vscprintf);
int _scwprintf(const wchar_t *format, ...) NTEMU_CRT_NAME(_scwprintf);
int _vscwprintf(const wchar_t *format, va_list arguments) NTEMU_CRT_NAME(_vscwprintf);

/* -1 and an empty buffer when the text does not fit size; cut with -1 when count is smaller or _TRUNCATE. */
int sprintf_s(char *buffer, size_t size, const char *format, ...) NTEMU_CRT_NAME(sprintf_s);
int vsprintf_s(char *buffer, size_t size, const char *format, va_list arguments) NTEMU_CRT_NAME(vsprintf_s);
int swprintf_s(wchar_t *buffer, size_t size, const wchar_t *format, ...) NTEMU_CRT_NAME(swprintf_s);
int vswprintf_s(wchar_t *buffer, size_t size, const wchar_t *format, va_list arguments) NTEMU_CRT_NAME(vswprintf_s);
int _snprintf_s(char *buffer, size_t size, size_t count, const char *format, ...) NTEMU_CRT_NAME(_snprintf_s);
int _vsnprintf_s(char *buffer, size_t size, size_t count, const char *format, va_list arguments)
    NTEMU_CRT_NAME(_vsnprintf_s);
int _snwprintf_s(wchar_t *buffer, size_t size, size_t count, const wchar_t *format, ...) NTEMU_CRT_NAME(_snwprintf_s);
int _vsnwprintf_s(wchar_t *buffer, size_t size, size_t count, const wchar_t *format, va_list arguments)
    NTEMU_CRT_NAME(_vsnwprintf_s);

/* Unbounded, and the C99 wide forms with a count (terminated; -1 when cut). */
int _swprintf(wchar_t *buffer, const wchar_t *format, ...) NTEMU_CRT_NAME(_swprintf);
int _vswprintf(wchar_t *buffer, const wchar_t *format, va_list arguments) NTEMU_CRT_NAME(_vswprintf);
int _swprintf_c(wchar_t *buffer, size_t count, const wchar_t *format, ...) NTEMU_CRT_NAME(_swprintf_c);
int _vswprintf_c(wchar_t *buffer, size_t count, const wchar_t *format, va_list arguments) NTEMU_CRT_NAME(_vswprintf_c);

/* Compilers know these names and would apply glibc's rules for their formats, hence the macros below. */
int nt_sprintf(char *buffer, const char *format, ...);
int nt_vsprintf(char *buffer, const char *format, va_list arguments);
int nt_snprintf(char *buffer, size_t count, const char *format, ...);
int nt_vsnprintf(char *buffer, size_t count, const char *format, va_list arguments);
NTEMU_CRT_END
#define sprintf nt_sprintf
#define vsprintf nt_vsprintf
#define snprintf nt_snprintf
#define vsnprintf nt_vsnprintf

/* swprintf exists with a count (C99) and without (ntoskrnl's export); the second argument tells which is meant. */
#ifdef __cplusplus
extern "C++" {
template <class... Arguments>
inline int swprintf(wchar_t *buffer, size_t count, const wchar_t *format, Arguments... arguments) {
  return _swprintf_c(buffer, count, format, arguments...);
}
template <class... Arguments>
inline int swprintf(wchar_t *buffer, const wchar_t *format, Arguments... arguments) {
  return _swprintf(buffer, format, arguments...);
}
inline int vswprintf(wchar_t *buffer, size_t count, const wchar_t *format, va_list arguments) {
  return _vswprintf_c(buffer, count, format, arguments);
}
inline int vswprintf(wchar_t *buffer, const wchar_t *format, va_list arguments) {
  return _vswprintf(buffer, format, arguments);
}
template <size_t size, class... Arguments>
inline int sprintf_s(char (&buffer)[size], const char *format, Arguments... arguments) {
  return sprintf_s(buffer, size, format, arguments...);
}
template <size_t size, class... Arguments>
inline int swprintf_s(wchar_t (&buffer)[size], const wchar_t *format, Arguments... arguments) {
  return swprintf_s(buffer, size, format, arguments...);
}
}
#else
#define swprintf(buffer, second, ...) \
  _Generic((second), wchar_t *: _swprintf, const wchar_t *: _swprintf, default: _swprintf_c)(buffer, second, ##__VA_ARGS__)
#define vswprintf(buffer, second, ...) \
  _Generic((second), wchar_t *: _vswprintf, const wchar_t *: _vswprintf, default: _vswprintf_c)(buffer, second, ##__VA_ARGS__)
#endif

#endif
