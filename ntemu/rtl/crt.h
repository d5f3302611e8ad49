// The functions behind the drivers' C library (km/crt binds its names to these).
#pragma once

#include <cstdarg>
#include <cstddef>

#include "nt/basetsd.h"

extern "C" {

// Narrow strings and memory.
NTKERNELAPI size_t nt_strlen(const char *text);
NTKERNELAPI size_t nt_strnlen(const char *text, size_t limit);
NTKERNELAPI char *nt_strcpy(char *destination, const char *source);
NTKERNELAPI char *nt_strncpy(char *destination, const char *source, size_t count);
NTKERNELAPI char *nt_strcat(char *destination, const char *source);
NTKERNELAPI char *nt_strncat(char *destination, const char *source, size_t count);
NTKERNELAPI int nt_strcmp(const char *first, const char *second);
NTKERNELAPI int nt_strncmp(const char *first, const char *second, size_t count);
NTKERNELAPI int nt__stricmp(const char *first, const char *second);
NTKERNELAPI int nt__strnicmp(const char *first, const char *second, size_t count);
NTKERNELAPI char *nt_strchr(const char *text, int character);
NTKERNELAPI char *nt_strrchr(const char *text, int character);
NTKERNELAPI char *nt_strstr(const char *text, const char *part);
NTKERNELAPI size_t nt_strspn(const char *text, const char *set);
NTKERNELAPI size_t nt_strcspn(const char *text, const char *set);
NTKERNELAPI char *nt_strpbrk(const char *text, const char *set);
NTKERNELAPI char *nt_strtok_s(char *text, const char *delimiters, char **context);
NTKERNELAPI char *nt__strlwr(char *text);
NTKERNELAPI int nt__strlwr_s(char *text, size_t size);
NTKERNELAPI char *nt__strupr(char *text);
NTKERNELAPI int nt__strupr_s(char *text, size_t size);
NTKERNELAPI char *nt__strrev(char *text);
NTKERNELAPI char *nt__strset(char *text, int character);
NTKERNELAPI int nt_strcpy_s(char *destination, size_t size, const char *source);
NTKERNELAPI int nt_strncpy_s(char *destination, size_t size, const char *source, size_t count);
NTKERNELAPI int nt_strcat_s(char *destination, size_t size, const char *source);
NTKERNELAPI int nt_strncat_s(char *destination, size_t size, const char *source, size_t count);
NTKERNELAPI void *nt_memchr(const void *buffer, int value, size_t count);
NTKERNELAPI int nt__memicmp(const void *first, const void *second, size_t count);
NTKERNELAPI int nt_memcpy_s(void *destination, size_t size, const void *source, size_t count);
NTKERNELAPI int nt_memmove_s(void *destination, size_t size, const void *source, size_t count);

// Wide strings.
NTKERNELAPI size_t nt_wcslen(const char16_t *text);
NTKERNELAPI size_t nt_wcsnlen(const char16_t *text, size_t limit);
NTKERNELAPI char16_t *nt_wcscpy(char16_t *destination, const char16_t *source);
NTKERNELAPI char16_t *nt_wcsncpy(char16_t *destination, const char16_t *source, size_t count);
NTKERNELAPI char16_t *nt_wcscat(char16_t *destination, const char16_t *source);
NTKERNELAPI char16_t *nt_wcsncat(char16_t *destination, const char16_t *source, size_t count);
NTKERNELAPI int nt_wcscmp(const char16_t *first, const char16_t *second);
NTKERNELAPI int nt_wcsncmp(const char16_t *first, const char16_t *second, size_t count);
NTKERNELAPI int nt__wcsicmp(const char16_t *first, const char16_t *second);
NTKERNELAPI int nt__wcsnicmp(const char16_t *first, const char16_t *second, size_t count);
NTKERNELAPI char16_t *nt_wcschr(const char16_t *text, char16_t character);
NTKERNELAPI char16_t *nt_wcsrchr(const char16_t *text, char16_t character);
NTKERNELAPI char16_t *nt_wcsstr(const char16_t *text, const char16_t *part);
NTKERNELAPI size_t nt_wcsspn(const char16_t *text, const char16_t *set);
NTKERNELAPI size_t nt_wcscspn(const char16_t *text, const char16_t *set);
NTKERNELAPI char16_t *nt_wcspbrk(const char16_t *text, const char16_t *set);
NTKERNELAPI char16_t *nt_wcstok_s(char16_t *text, const char16_t *delimiters, char16_t **context);
NTKERNELAPI char16_t *nt__wcslwr(char16_t *text);
NTKERNELAPI int nt__wcslwr_s(char16_t *text, size_t size);
NTKERNELAPI char16_t *nt__wcsupr(char16_t *text);
NTKERNELAPI int nt__wcsupr_s(char16_t *text, size_t size);
NTKERNELAPI char16_t *nt__wcsrev(char16_t *text);
NTKERNELAPI char16_t *nt__wcsset(char16_t *text, char16_t character);
NTKERNELAPI int nt_wcscpy_s(char16_t *destination, size_t size, const char16_t *source);
NTKERNELAPI int nt_wcsncpy_s(char16_t *destination, size_t size, const char16_t *source, size_t count);
NTKERNELAPI int nt_wcscat_s(char16_t *destination, size_t size, const char16_t *source);
NTKERNELAPI int nt_wcsncat_s(char16_t *destination, size_t size, const char16_t *source, size_t count);
NTKERNELAPI char16_t *nt_wmemcpy(char16_t *destination, const char16_t *source, size_t count);
NTKERNELAPI char16_t *nt_wmemmove(char16_t *destination, const char16_t *source, size_t count);
NTKERNELAPI char16_t *nt_wmemset(char16_t *destination, char16_t character, size_t count);
NTKERNELAPI char16_t *nt_wmemchr(const char16_t *text, char16_t character, size_t count);
NTKERNELAPI int nt_wmemcmp(const char16_t *first, const char16_t *second, size_t count);

// Character classes.
NTKERNELAPI int nt_isalpha(int character);
NTKERNELAPI int nt_isdigit(int character);
NTKERNELAPI int nt_islower(int character);
NTKERNELAPI int nt_isupper(int character);
NTKERNELAPI int nt_isspace(int character);
NTKERNELAPI int nt_isalnum(int character);
NTKERNELAPI int nt_ispunct(int character);
NTKERNELAPI int nt_iscntrl(int character);
NTKERNELAPI int nt_isgraph(int character);
NTKERNELAPI int nt_isprint(int character);
NTKERNELAPI int nt_isxdigit(int character);
NTKERNELAPI int nt_isblank(int character);
NTKERNELAPI int nt_iswalpha(unsigned short character);
NTKERNELAPI int nt_iswdigit(unsigned short character);
NTKERNELAPI int nt_iswlower(unsigned short character);
NTKERNELAPI int nt_iswupper(unsigned short character);
NTKERNELAPI int nt_iswspace(unsigned short character);
NTKERNELAPI int nt_iswalnum(unsigned short character);
NTKERNELAPI int nt_iswpunct(unsigned short character);
NTKERNELAPI int nt_iswcntrl(unsigned short character);
NTKERNELAPI int nt_iswgraph(unsigned short character);
NTKERNELAPI int nt_iswprint(unsigned short character);
NTKERNELAPI int nt_iswxdigit(unsigned short character);
NTKERNELAPI int nt_iswblank(unsigned short character);
NTKERNELAPI int nt_toupper(int character);
NTKERNELAPI unsigned short nt_towupper(unsigned short character);
NTKERNELAPI int nt_tolower(int character);
NTKERNELAPI unsigned short nt_towlower(unsigned short character);

// Formatting.
NTKERNELAPI int nt_vsprintf(char *buffer, const char *text, va_list arguments);
NTKERNELAPI int nt_sprintf(char *buffer, const char *text, ...);
NTKERNELAPI int nt_vsnprintf(char *buffer, size_t count, const char *text, va_list arguments);
NTKERNELAPI int nt_snprintf(char *buffer, size_t count, const char *text, ...);
NTKERNELAPI int nt__vsnprintf(char *buffer, size_t count, const char *text, va_list arguments);
NTKERNELAPI int nt__snprintf(char *buffer, size_t count, const char *text, ...);
NTKERNELAPI int nt__vscprintf(const char *text, va_list arguments);
NTKERNELAPI int nt__scprintf(const char *text, ...);
NTKERNELAPI int nt_vsprintf_s(char *buffer, size_t size, const char *text, va_list arguments);
NTKERNELAPI int nt_sprintf_s(char *buffer, size_t size, const char *text, ...);
NTKERNELAPI int nt__vsnprintf_s(char *buffer, size_t size, size_t count, const char *text, va_list arguments);
NTKERNELAPI int nt__snprintf_s(char *buffer, size_t size, size_t count, const char *text, ...);
NTKERNELAPI int nt__vswprintf(char16_t *buffer, const char16_t *text, va_list arguments);
NTKERNELAPI int nt__swprintf(char16_t *buffer, const char16_t *text, ...);
NTKERNELAPI int nt__vswprintf_c(char16_t *buffer, size_t count, const char16_t *text, va_list arguments);
NTKERNELAPI int nt__swprintf_c(char16_t *buffer, size_t count, const char16_t *text, ...);
NTKERNELAPI int nt__vsnwprintf(char16_t *buffer, size_t count, const char16_t *text, va_list arguments);
NTKERNELAPI int nt__snwprintf(char16_t *buffer, size_t count, const char16_t *text, ...);
NTKERNELAPI int nt__vscwprintf(const char16_t *text, va_list arguments);
NTKERNELAPI int nt__scwprintf(const char16_t *text, ...);
NTKERNELAPI int nt_vswprintf_s(char16_t *buffer, size_t size, const char16_t *text, va_list arguments);
NTKERNELAPI int nt_swprintf_s(char16_t *buffer, size_t size, const char16_t *text, ...);
NTKERNELAPI int nt__vsnwprintf_s(char16_t *buffer, size_t size, size_t count, const char16_t *text, va_list arguments);
NTKERNELAPI int nt__snwprintf_s(char16_t *buffer, size_t size, size_t count, const char16_t *text, ...);

// Numbers, sorting, random numbers.
NTKERNELAPI int nt_atoi(const char *text);
NTKERNELAPI int nt_atol(const char *text);
NTKERNELAPI long long nt__atoi64(const char *text);
NTKERNELAPI int nt_strtol(const char *text, char **end, int base);
NTKERNELAPI unsigned int nt_strtoul(const char *text, char **end, int base);
NTKERNELAPI long long nt_strtoll(const char *text, char **end, int base);
NTKERNELAPI unsigned long long nt_strtoull(const char *text, char **end, int base);
NTKERNELAPI long long nt__strtoi64(const char *text, char **end, int base);
NTKERNELAPI unsigned long long nt__strtoui64(const char *text, char **end, int base);
NTKERNELAPI char *nt__itoa(int value, char *buffer, int radix);
NTKERNELAPI int nt__itoa_s(int value, char *buffer, size_t size, int radix);
NTKERNELAPI char *nt__ltoa(int value, char *buffer, int radix);
NTKERNELAPI int nt__ltoa_s(int value, char *buffer, size_t size, int radix);
NTKERNELAPI char *nt__ultoa(unsigned int value, char *buffer, int radix);
NTKERNELAPI int nt__ultoa_s(unsigned int value, char *buffer, size_t size, int radix);
NTKERNELAPI char *nt__i64toa(long long value, char *buffer, int radix);
NTKERNELAPI int nt__i64toa_s(long long value, char *buffer, size_t size, int radix);
NTKERNELAPI char *nt__ui64toa(unsigned long long value, char *buffer, int radix);
NTKERNELAPI int nt__ui64toa_s(unsigned long long value, char *buffer, size_t size, int radix);
NTKERNELAPI int nt__wtoi(const char16_t *text);
NTKERNELAPI int nt__wtol(const char16_t *text);
NTKERNELAPI long long nt__wtoi64(const char16_t *text);
NTKERNELAPI int nt_wcstol(const char16_t *text, char16_t **end, int base);
NTKERNELAPI unsigned int nt_wcstoul(const char16_t *text, char16_t **end, int base);
NTKERNELAPI long long nt_wcstoll(const char16_t *text, char16_t **end, int base);
NTKERNELAPI unsigned long long nt_wcstoull(const char16_t *text, char16_t **end, int base);
NTKERNELAPI long long nt__wcstoi64(const char16_t *text, char16_t **end, int base);
NTKERNELAPI unsigned long long nt__wcstoui64(const char16_t *text, char16_t **end, int base);
NTKERNELAPI char16_t *nt__itow(int value, char16_t *buffer, int radix);
NTKERNELAPI int nt__itow_s(int value, char16_t *buffer, size_t size, int radix);
NTKERNELAPI char16_t *nt__ltow(int value, char16_t *buffer, int radix);
NTKERNELAPI int nt__ltow_s(int value, char16_t *buffer, size_t size, int radix);
NTKERNELAPI char16_t *nt__ultow(unsigned int value, char16_t *buffer, int radix);
NTKERNELAPI int nt__ultow_s(unsigned int value, char16_t *buffer, size_t size, int radix);
NTKERNELAPI char16_t *nt__i64tow(long long value, char16_t *buffer, int radix);
NTKERNELAPI int nt__i64tow_s(long long value, char16_t *buffer, size_t size, int radix);
NTKERNELAPI char16_t *nt__ui64tow(unsigned long long value, char16_t *buffer, int radix);
NTKERNELAPI int nt__ui64tow_s(unsigned long long value, char16_t *buffer, size_t size, int radix);
NTKERNELAPI int nt_abs(int value);
NTKERNELAPI void nt_qsort(void *base, size_t count, size_t size, int (*order)(const void *, const void *));
NTKERNELAPI void *nt_bsearch(const void *key, const void *base, size_t count, size_t size,
                             int (*order)(const void *, const void *));
NTKERNELAPI int nt_rand();
NTKERNELAPI void nt_srand(unsigned int seed);

}  // extern "C"
