/* Wide strings of 16-bit units. */
#ifndef NTEMU_KM_CRT_WCS_H
#define NTEMU_KM_CRT_WCS_H

#include "crtdefs.h"

NTEMU_CRT_BEGIN
size_t wcslen(const wchar_t *text) NTEMU_CRT_NAME(wcslen);
size_t wcsnlen(const wchar_t *text, size_t limit) NTEMU_CRT_NAME(wcsnlen);
wchar_t *wcscpy(wchar_t *destination, const wchar_t *source) NTEMU_CRT_NAME(wcscpy);
wchar_t *wcsncpy(wchar_t *destination, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wcsncpy);
wchar_t *wcscat(wchar_t *destination, const wchar_t *source) NTEMU_CRT_NAME(wcscat);
wchar_t *wcsncat(wchar_t *destination, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wcsncat);
int wcscmp(const wchar_t *first, const wchar_t *second) NTEMU_CRT_NAME(wcscmp);
int wcsncmp(const wchar_t *first, const wchar_t *second, size_t count) NTEMU_CRT_NAME(wcsncmp);
wchar_t *wcschr(const wchar_t *text, wchar_t character) NTEMU_CRT_NAME(wcschr);
wchar_t *wcsrchr(const wchar_t *text, wchar_t character) NTEMU_CRT_NAME(wcsrchr);
wchar_t *wcsstr(const wchar_t *text, const wchar_t *part) NTEMU_CRT_NAME(wcsstr);
size_t wcsspn(const wchar_t *text, const wchar_t *set) NTEMU_CRT_NAME(wcsspn);
size_t wcscspn(const wchar_t *text, const wchar_t *set) NTEMU_CRT_NAME(wcscspn);
wchar_t *wcspbrk(const wchar_t *text, const wchar_t *set) NTEMU_CRT_NAME(wcspbrk);
wchar_t *wcstok_s(wchar_t *text, const wchar_t *delimiters, wchar_t **context) NTEMU_CRT_NAME(wcstok_s);

/* Case-insensitive and case-changing forms fold the whole basic plane. */
int _wcsicmp(const wchar_t *first, const wchar_t *second) NTEMU_CRT_NAME(_wcsicmp);
int _wcsnicmp(const wchar_t *first, const wchar_t *second, size_t count) NTEMU_CRT_NAME(_wcsnicmp);
wchar_t *_wcslwr(wchar_t *text) NTEMU_CRT_NAME(_wcslwr);
wchar_t *_wcsupr(wchar_t *text) NTEMU_CRT_NAME(_wcsupr);
wchar_t *_wcsrev(wchar_t *text) NTEMU_CRT_NAME(_wcsrev);
wchar_t *_wcsset(wchar_t *text, wchar_t character) NTEMU_CRT_NAME(_wcsset);
errno_t _wcslwr_s(wchar_t *text, size_t size) NTEMU_CRT_NAME(_wcslwr_s);
errno_t _wcsupr_s(wchar_t *text, size_t size) NTEMU_CRT_NAME(_wcsupr_s);

/* EINVAL for NULL or size 0, ERANGE when the result does not fit; the destination is then made empty. With count
   _TRUNCATE the result is cut instead, and STRUNCATE (80) comes back. */
errno_t wcscpy_s(wchar_t *destination, size_t size, const wchar_t *source) NTEMU_CRT_NAME(wcscpy_s);
errno_t wcsncpy_s(wchar_t *destination, size_t size, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wcsncpy_s);
errno_t wcscat_s(wchar_t *destination, size_t size, const wchar_t *source) NTEMU_CRT_NAME(wcscat_s);
errno_t wcsncat_s(wchar_t *destination, size_t size, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wcsncat_s);
NTEMU_CRT_END
#ifdef __cplusplus
/* The destination's size from its type, as the WDK's C++ headers offer. */
template <size_t size>
inline errno_t wcscpy_s(wchar_t (&destination)[size], const wchar_t *source) {
  return wcscpy_s(destination, size, source);
}
template <size_t size>
inline errno_t wcscat_s(wchar_t (&destination)[size], const wchar_t *source) {
  return wcscat_s(destination, size, source);
}
#endif

#endif
