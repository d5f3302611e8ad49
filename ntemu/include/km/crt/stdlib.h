/* Numbers, sorting, searching; a Windows long is 32 bits, so the long forms return int here. */
#ifndef NTEMU_KM_CRT_STDLIB_H
#define NTEMU_KM_CRT_STDLIB_H

#include "crtdefs.h"
#include "intrin.h"

NTEMU_CRT_BEGIN
/* Values out of range saturate. */
int atoi(const char *text) NTEMU_CRT_NAME(atoi);
int atol(const char *text) NTEMU_CRT_NAME(atol);
long long _atoi64(const char *text) NTEMU_CRT_NAME(_atoi64);
int strtol(const char *text, char **end, int base) NTEMU_CRT_NAME(strtol);
unsigned int strtoul(const char *text, char **end, int base) NTEMU_CRT_NAME(strtoul);
long long strtoll(const char *text, char **end, int base) NTEMU_CRT_NAME(strtoll);
unsigned long long strtoull(const char *text, char **end, int base) NTEMU_CRT_NAME(strtoull);
long long _strtoi64(const char *text, char **end, int base) NTEMU_CRT_NAME(_strtoi64);
unsigned long long _strtoui64(const char *text, char **end, int base) NTEMU_CRT_NAME(_strtoui64);
char *_itoa(int value, char *buffer, int radix) NTEMU_CRT_NAME(_itoa);
errno_t _itoa_s(int value, char *buffer, size_t size, int radix) NTEMU_CRT_NAME(_itoa_s);
char *_ltoa(int value, char *buffer, int radix) NTEMU_CRT_NAME(_ltoa);
errno_t _ltoa_s(int value, char *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ltoa_s);
char *_ultoa(unsigned int value, char *buffer, int radix) NTEMU_CRT_NAME(_ultoa);
errno_t _ultoa_s(unsigned int value, char *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ultoa_s);
char *_i64toa(long long value, char *buffer, int radix) NTEMU_CRT_NAME(_i64toa);
errno_t _i64toa_s(long long value, char *buffer, size_t size, int radix) NTEMU_CRT_NAME(_i64toa_s);
char *_ui64toa(unsigned long long value, char *buffer, int radix) NTEMU_CRT_NAME(_ui64toa);
errno_t _ui64toa_s(unsigned long long value, char *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ui64toa_s);

int _wtoi(const wchar_t *text) NTEMU_CRT_NAME(_wtoi);
int _wtol(const wchar_t *text) NTEMU_CRT_NAME(_wtol);
long long _wtoi64(const wchar_t *text) NTEMU_CRT_NAME(_wtoi64);
int wcstol(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(wcstol);
unsigned int wcstoul(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(wcstoul);
long long wcstoll(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(wcstoll);
unsigned long long wcstoull(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(wcstoull);
long long _wcstoi64(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(_wcstoi64);
unsigned long long _wcstoui64(const wchar_t *text, wchar_t **end, int base) NTEMU_CRT_NAME(_wcstoui64);
wchar_t *_itow(int value, wchar_t *buffer, int radix) NTEMU_CRT_NAME(_itow);
errno_t _itow_s(int value, wchar_t *buffer, size_t size, int radix) NTEMU_CRT_NAME(_itow_s);
wchar_t *_ltow(int value, wchar_t *buffer, int radix) NTEMU_CRT_NAME(_ltow);
errno_t _ltow_s(int value, wchar_t *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ltow_s);
wchar_t *_ultow(unsigned int value, wchar_t *buffer, int radix) NTEMU_CRT_NAME(_ultow);
errno_t _ultow_s(unsigned int value, wchar_t *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ultow_s);
wchar_t *_i64tow(long long value, wchar_t *buffer, int radix) NTEMU_CRT_NAME(_i64tow);
errno_t _i64tow_s(long long value, wchar_t *buffer, size_t size, int radix) NTEMU_CRT_NAME(_i64tow_s);
wchar_t *_ui64tow(unsigned long long value, wchar_t *buffer, int radix) NTEMU_CRT_NAME(_ui64tow);
errno_t _ui64tow_s(unsigned long long value, wchar_t *buffer, size_t size, int radix) NTEMU_CRT_NAME(_ui64tow_s);

int abs(int value) NTEMU_CRT_NAME(abs);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *)) NTEMU_CRT_NAME(qsort);
void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
    NTEMU_CRT_NAME(bsearch);
/* 0 to RAND_MAX. */
int rand(void) NTEMU_CRT_NAME(rand);
void srand(unsigned int seed) NTEMU_CRT_NAME(srand);
NTEMU_CRT_END

#define labs(value) abs(value)
#define llabs(value) __builtin_llabs(value)
#define _abs64(value) __builtin_llabs(value)
#define RAND_MAX 0x7fff
#define _MAX_PATH 260
#define __max(a, b) (((a) > (b)) ? (a) : (b))
#define __min(a, b) (((a) < (b)) ? (a) : (b))

#endif
