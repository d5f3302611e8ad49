/* Wide strings, classes, conversions and formatting. */
#ifndef NTEMU_KM_CRT_WCHAR_H
#define NTEMU_KM_CRT_WCHAR_H

#include "crtdefs.h"
#include "stdio.h"
#include "stdlib.h"
#include "wcs.h"
#include "wctype.h"

NTEMU_CRT_BEGIN
wchar_t *wmemcpy(wchar_t *destination, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wmemcpy);
wchar_t *wmemmove(wchar_t *destination, const wchar_t *source, size_t count) NTEMU_CRT_NAME(wmemmove);
wchar_t *wmemset(wchar_t *destination, wchar_t character, size_t count) NTEMU_CRT_NAME(wmemset);
wchar_t *wmemchr(const wchar_t *text, wchar_t character, size_t count) NTEMU_CRT_NAME(wmemchr);
int wmemcmp(const wchar_t *first, const wchar_t *second, size_t count) NTEMU_CRT_NAME(wmemcmp);
NTEMU_CRT_END

#define WCHAR_MIN 0
#define WCHAR_MAX 0xffff

#endif
