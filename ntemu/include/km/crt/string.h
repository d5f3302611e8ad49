/* Narrow strings, and the wide ones that Windows declares here too. */
#ifndef NTEMU_KM_CRT_STRING_H
#define NTEMU_KM_CRT_STRING_H

#include "crtdefs.h"
#include "memory.h"
#include "wcs.h"

NTEMU_CRT_BEGIN
size_t strlen(const char *text) NTEMU_CRT_NAME(strlen);
size_t strnlen(const char *text, size_t limit) NTEMU_CRT_NAME(strnlen);
char *strcpy(char *destination, const char *source) NTEMU_CRT_NAME(strcpy);
char *strncpy(char *destination, const char *source, size_t count) NTEMU_CRT_NAME(strncpy);
char *strcat(char *destination, const char *source) NTEMU_CRT_NAME(strcat);
char *strncat(char *destination, const char *source, size_t count) NTEMU_CRT_NAME(strncat);
int strcmp(const char *first, const char *second) NTEMU_CRT_NAME(strcmp);
int strncmp(const char *first, const char *second, size_t count) NTEMU_CRT_NAME(strncmp);
char *strchr(const char *text, int character) NTEMU_CRT_NAME(strchr);
char *strrchr(const char *text, int character) NTEMU_CRT_NAME(strrchr);
char *strstr(const char *text, const char *part) NTEMU_CRT_NAME(strstr);
size_t strspn(const char *text, const char *set) NTEMU_CRT_NAME(strspn);
size_t strcspn(const char *text, const char *set) NTEMU_CRT_NAME(strcspn);
char *strpbrk(const char *text, const char *set) NTEMU_CRT_NAME(strpbrk);
char *strtok_s(char *text, const char *delimiters, char **context) NTEMU_CRT_NAME(strtok_s);

/* Case-insensitive and case-changing forms fold ASCII. */
int _stricmp(const char *first, const char *second) NTEMU_CRT_NAME(_stricmp);
int _strnicmp(const char *first, const char *second, size_t count) NTEMU_CRT_NAME(_strnicmp);
char *_strlwr(char *text) NTEMU_CRT_NAME(_strlwr);
char *_strupr(char *text) NTEMU_CRT_NAME(_strupr);
char *_strrev(char *text) NTEMU_CRT_NAME(_strrev);
char *_strset(char *text, int character) NTEMU_CRT_NAME(_strset);
errno_t _strlwr_s(char *text, size_t size) NTEMU_CRT_NAME(_strlwr_s);
errno_t _strupr_s(char *text, size_t size) NTEMU_CRT_NAME(_strupr_s);

/* EINVAL for NULL or size 0, ERANGE when the result does not fit; the destination is then made empty. With count
   _TRUNCATE the result is cut instead, and STRUNCATE (80) comes back. */
errno_t strcpy_s(char *destination, size_t size, const char *source) NTEMU_CRT_NAME(strcpy_s);
errno_t strncpy_s(char *destination, size_t size, const char *source, size_t count) NTEMU_CRT_NAME(strncpy_s);
errno_t strcat_s(char *destination, size_t size, const char *source) NTEMU_CRT_NAME(strcat_s);
errno_t strncat_s(char *destination, size_t size, const char *source, size_t count) NTEMU_CRT_NAME(strncat_s);
NTEMU_CRT_END
#ifdef __cplusplus
/* The destination's size from its type, as the WDK's C++ headers offer. */
template <size_t size>
inline errno_t strcpy_s(char (&destination)[size], const char *source) {
  return strcpy_s(destination, size, source);
}
template <size_t size>
inline errno_t strcat_s(char (&destination)[size], const char *source) {
  return strcat_s(destination, size, source);
}
#endif

#endif
