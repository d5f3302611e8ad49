/* Safe string functions of the kernel (WDK: Using Safe String Functions), as real exported functions. */
#ifndef NTEMU_KM_NTSTRSAFE_H
#define NTEMU_KM_NTSTRSAFE_H

#include "nt/basetsd.h"
#include "nt/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_MAX_LENGTH (NTSTRSAFE_MAX_CCH - 1)
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))
#define STRSAFE_MAX_CCH NTSTRSAFE_MAX_CCH
#define STRSAFE_MAX_LENGTH NTSTRSAFE_MAX_LENGTH

/* Flags of the Ex forms. The low byte is the fill pattern of FILL_BEHIND_NULL and FILL_ON_FAILURE. */
#define STRSAFE_IGNORE_NULLS 0x00000100
#define STRSAFE_FILL_BEHIND_NULL 0x00000200
#define STRSAFE_FILL_BEHIND 0x00000200
#define STRSAFE_FILL_ON_FAILURE 0x00000400
#define STRSAFE_NULL_ON_FAILURE 0x00000800
#define STRSAFE_ZERO_LENGTH_ON_FAILURE 0x00000800
#define STRSAFE_NO_TRUNCATION 0x00001000
#define STRSAFE_IGNORE_NULL_UNICODE_STRINGS 0x00010000
#define STRSAFE_UNICODE_STRING_DEST_NULL_TERMINATED 0x00020000
#define STRSAFE_VALID_FLAGS                                                                                           \
  (0x000000FF | STRSAFE_IGNORE_NULLS | STRSAFE_FILL_BEHIND_NULL | STRSAFE_FILL_ON_FAILURE | STRSAFE_NULL_ON_FAILURE | \
   STRSAFE_NO_TRUNCATION)
#define STRSAFE_UNICODE_STRING_VALID_FLAGS \
  (STRSAFE_VALID_FLAGS | STRSAFE_IGNORE_NULL_UNICODE_STRINGS | STRSAFE_UNICODE_STRING_DEST_NULL_TERMINATED)
#define STRSAFE_FILL_BYTE(x) ((ULONG)(((x)&0x000000FF) | STRSAFE_FILL_BEHIND_NULL))
#define STRSAFE_FAILURE_BYTE(x) ((ULONG)(((x)&0x000000FF) | STRSAFE_FILL_ON_FAILURE))
#define STRSAFE_GET_FILL_PATTERN(dwFlags) ((int)((dwFlags)&0x000000FF))

typedef CHAR *NTSTRSAFE_PSTR;
typedef const CHAR *NTSTRSAFE_PCSTR;
typedef WCHAR *NTSTRSAFE_PWSTR;
typedef const WCHAR *NTSTRSAFE_PCWSTR;
typedef const WCHAR *NTSTRSAFE_PCUWSTR;

/*
 * Sizes are characters in Cch forms and bytes in Cb forms, room for the terminator included. Common results:
 * STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW when the result was cut (it is terminated); STATUS_INVALID_PARAMETER when the
 * size is 0 or above NTSTRSAFE_MAX_CCH, for an unknown flag, or for a NULL pointer without STRSAFE_IGNORE_NULLS.
 * Formats follow NT's rules: %s and %c take the function's own width, %S and %C the other, %hs narrow, %ws and %ls
 * wide, %wZ a UNICODE_STRING, %Z an ANSI_STRING, l is 32 bits, %p 16 upper-case digits. Differs: floating-point
 * conversions print their own specifier. IRQL: any with resident strings, Printf forms PASSIVE_LEVEL. Source: the WDK
 * page of each routine.
 */

/* Copy pszSrc. */
NTSYSAPI NTSTATUS RtlStringCchCopyA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCchCopyW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCbCopyA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCbCopyW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc);

/* Copy at most the given amount of pszSrc. */
NTSYSAPI NTSTATUS RtlStringCchCopyNA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToCopy);
NTSYSAPI NTSTATUS RtlStringCchCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                     size_t cchToCopy);
NTSYSAPI NTSTATUS RtlStringCbCopyNA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToCopy);
NTSYSAPI NTSTATUS RtlStringCbCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy);

/* Append pszSrc. STATUS_INVALID_PARAMETER also when pszDest is not terminated within its size. */
NTSYSAPI NTSTATUS RtlStringCchCatA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCchCatW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCbCatA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc);
NTSYSAPI NTSTATUS RtlStringCbCatW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc);

/* Append at most the given amount of pszSrc. */
NTSYSAPI NTSTATUS RtlStringCchCatNA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToAppend);
NTSYSAPI NTSTATUS RtlStringCchCatNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                    size_t cchToAppend);
NTSYSAPI NTSTATUS RtlStringCbCatNA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToAppend);
NTSYSAPI NTSTATUS RtlStringCbCatNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend);

/* Formatted text. */
NTSYSAPI NTSTATUS RtlStringCchVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat,
                                       va_list argList);
NTSYSAPI NTSTATUS RtlStringCchVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat,
                                       va_list argList);
NTSYSAPI NTSTATUS RtlStringCbVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat,
                                      va_list argList);
NTSYSAPI NTSTATUS RtlStringCbVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat,
                                      va_list argList);

/* Formatted text. */
NTSYSAPI NTSTATUS RtlStringCchPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCchPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCbPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCbPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat, ...);

/* Length without the terminator; STATUS_INVALID_PARAMETER when psz is NULL or not terminated within its maximum. */
NTSYSAPI NTSTATUS RtlStringCchLengthA(NTSTRSAFE_PCSTR psz, size_t cchMax, size_t *pcchLength);
NTSYSAPI NTSTATUS RtlStringCchLengthW(NTSTRSAFE_PCWSTR psz, size_t cchMax, size_t *pcchLength);
NTSYSAPI NTSTATUS RtlStringCbLengthA(NTSTRSAFE_PCSTR psz, size_t cbMax, size_t *pcbLength);
NTSYSAPI NTSTATUS RtlStringCbLengthW(NTSTRSAFE_PCWSTR psz, size_t cbMax, size_t *pcbLength);

/* Ex forms also give the end of the result and the room left there, and obey the flags above. */
/* Copy. */
NTSYSAPI NTSTATUS RtlStringCchCopyExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc,
                                      NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCchCopyExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                      NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCopyExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc,
                                     NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCopyExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc,
                                     NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);

/* Copy at most the given amount. */
NTSYSAPI NTSTATUS RtlStringCchCopyNExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToCopy,
                                       NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCchCopyNExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                       size_t cchToCopy, NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining,
                                       ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCopyNExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToCopy,
                                      NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCopyNExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy,
                                      NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);

/* Append. */
NTSYSAPI NTSTATUS RtlStringCchCatExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc,
                                     NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCchCatExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                     NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCatExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc,
                                    NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCatExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc,
                                    NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);

/* Append at most the given amount. */
NTSYSAPI NTSTATUS RtlStringCchCatNExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc,
                                      size_t cchToAppend, NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining,
                                      ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCchCatNExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                                      size_t cchToAppend, NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining,
                                      ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCatNExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToAppend,
                                     NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);
NTSYSAPI NTSTATUS RtlStringCbCatNExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend,
                                     NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags);

/* Formatted text. */
NTSYSAPI NTSTATUS RtlStringCchVPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PSTR *ppszDestEnd,
                                         size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat,
                                         va_list argList);
NTSYSAPI NTSTATUS RtlStringCchVPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                                         size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat,
                                         va_list argList);
NTSYSAPI NTSTATUS RtlStringCbVPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PSTR *ppszDestEnd,
                                        size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat,
                                        va_list argList);
NTSYSAPI NTSTATUS RtlStringCbVPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                                        size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat,
                                        va_list argList);

/* Formatted text. */
NTSYSAPI NTSTATUS RtlStringCchPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PSTR *ppszDestEnd,
                                        size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCchPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                                        size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCbPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PSTR *ppszDestEnd,
                                       size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlStringCbPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                                       size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, ...);

/*
 * Counted destinations. The result is cut at MaximumLength with STATUS_BUFFER_OVERFLOW and is not terminated.
 * STATUS_INVALID_PARAMETER when a string is malformed (odd or excessive lengths, length without buffer) or NULL.
 */

/* Point DestinationString at pszSrc, which may be NULL. STATUS_INVALID_PARAMETER when it is longer than 32767
 * characters. */
NTSYSAPI NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc);
NTSYSAPI NTSTATUS RtlUnicodeStringInitEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, ULONG dwFlags);

/* Check the shape of a string; the Ex form may ignore a NULL one. */
NTSYSAPI NTSTATUS RtlUnicodeStringValidate(PCUNICODE_STRING SourceString);
NTSYSAPI NTSTATUS RtlUnicodeStringValidateEx(PCUNICODE_STRING SourceString, ULONG dwFlags);

/* Copy. RemainingString describes the room behind the result. */
NTSYSAPI NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSYSAPI NTSTATUS RtlUnicodeStringCopyEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                         PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Copy a terminated string. */
NTSYSAPI NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc);
NTSYSAPI NTSTATUS RtlUnicodeStringCopyStringEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                               PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append. */
NTSYSAPI NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSYSAPI NTSTATUS RtlUnicodeStringCatEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                        PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append a terminated string. */
NTSYSAPI NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc);
NTSYSAPI NTSTATUS RtlUnicodeStringCatStringEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                              PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Copy at most so many characters. */
NTSYSAPI NTSTATUS RtlUnicodeStringCchCopyN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                           size_t cchToCopy);
NTSYSAPI NTSTATUS RtlUnicodeStringCchCopyNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                             size_t cchToCopy, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Copy at most so many characters. */
NTSYSAPI NTSTATUS RtlUnicodeStringCchCopyStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                 size_t cchToCopy);
NTSYSAPI NTSTATUS RtlUnicodeStringCchCopyStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                   size_t cchToCopy, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append at most so many characters. */
NTSYSAPI NTSTATUS RtlUnicodeStringCchCatN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                          size_t cchToAppend);
NTSYSAPI NTSTATUS RtlUnicodeStringCchCatNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                            size_t cchToAppend, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append at most so many characters. */
NTSYSAPI NTSTATUS RtlUnicodeStringCchCatStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                size_t cchToAppend);
NTSYSAPI NTSTATUS RtlUnicodeStringCchCatStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                  size_t cchToAppend, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Copy at most so many bytes. */
NTSYSAPI NTSTATUS RtlUnicodeStringCbCopyN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                          size_t cbToCopy);
NTSYSAPI NTSTATUS RtlUnicodeStringCbCopyNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                            size_t cbToCopy, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Copy at most so many bytes. */
NTSYSAPI NTSTATUS RtlUnicodeStringCbCopyStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                size_t cbToCopy);
NTSYSAPI NTSTATUS RtlUnicodeStringCbCopyStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                  size_t cbToCopy, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append at most so many bytes. */
NTSYSAPI NTSTATUS RtlUnicodeStringCbCatN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                         size_t cbToAppend);
NTSYSAPI NTSTATUS RtlUnicodeStringCbCatNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                           size_t cbToAppend, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Append at most so many bytes. */
NTSYSAPI NTSTATUS RtlUnicodeStringCbCatStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                               size_t cbToAppend);
NTSYSAPI NTSTATUS RtlUnicodeStringCbCatStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                                 size_t cbToAppend, PUNICODE_STRING RemainingString, ULONG dwFlags);

/* Formatted text. */
NTSYSAPI NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat,
                                          va_list argList);
NTSYSAPI NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat, ...);
NTSYSAPI NTSTATUS RtlUnicodeStringVPrintfEx(PUNICODE_STRING DestinationString, PUNICODE_STRING RemainingString,
                                            ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, va_list argList);
NTSYSAPI NTSTATUS RtlUnicodeStringPrintfEx(PUNICODE_STRING DestinationString, PUNICODE_STRING RemainingString,
                                           ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, ...);

/* The names without a suffix follow UNICODE, as everywhere in Windows headers. */
#ifdef UNICODE
#define NTEMU_STRSAFE_NAME(name) name##W
#else
#define NTEMU_STRSAFE_NAME(name) name##A
#endif
#define RtlStringCchCopy NTEMU_STRSAFE_NAME(RtlStringCchCopy)
#define RtlStringCbCopy NTEMU_STRSAFE_NAME(RtlStringCbCopy)
#define RtlStringCchCopyN NTEMU_STRSAFE_NAME(RtlStringCchCopyN)
#define RtlStringCbCopyN NTEMU_STRSAFE_NAME(RtlStringCbCopyN)
#define RtlStringCchCat NTEMU_STRSAFE_NAME(RtlStringCchCat)
#define RtlStringCbCat NTEMU_STRSAFE_NAME(RtlStringCbCat)
#define RtlStringCchCatN NTEMU_STRSAFE_NAME(RtlStringCchCatN)
#define RtlStringCbCatN NTEMU_STRSAFE_NAME(RtlStringCbCatN)
#define RtlStringCchVPrintf NTEMU_STRSAFE_NAME(RtlStringCchVPrintf)
#define RtlStringCbVPrintf NTEMU_STRSAFE_NAME(RtlStringCbVPrintf)
#define RtlStringCchPrintf NTEMU_STRSAFE_NAME(RtlStringCchPrintf)
#define RtlStringCbPrintf NTEMU_STRSAFE_NAME(RtlStringCbPrintf)
#define RtlStringCchLength NTEMU_STRSAFE_NAME(RtlStringCchLength)
#define RtlStringCbLength NTEMU_STRSAFE_NAME(RtlStringCbLength)
#define RtlStringCchCopyEx NTEMU_STRSAFE_NAME(RtlStringCchCopyEx)
#define RtlStringCbCopyEx NTEMU_STRSAFE_NAME(RtlStringCbCopyEx)
#define RtlStringCchCopyNEx NTEMU_STRSAFE_NAME(RtlStringCchCopyNEx)
#define RtlStringCbCopyNEx NTEMU_STRSAFE_NAME(RtlStringCbCopyNEx)
#define RtlStringCchCatEx NTEMU_STRSAFE_NAME(RtlStringCchCatEx)
#define RtlStringCbCatEx NTEMU_STRSAFE_NAME(RtlStringCbCatEx)
#define RtlStringCchCatNEx NTEMU_STRSAFE_NAME(RtlStringCchCatNEx)
#define RtlStringCbCatNEx NTEMU_STRSAFE_NAME(RtlStringCbCatNEx)
#define RtlStringCchVPrintfEx NTEMU_STRSAFE_NAME(RtlStringCchVPrintfEx)
#define RtlStringCbVPrintfEx NTEMU_STRSAFE_NAME(RtlStringCbVPrintfEx)
#define RtlStringCchPrintfEx NTEMU_STRSAFE_NAME(RtlStringCchPrintfEx)
#define RtlStringCbPrintfEx NTEMU_STRSAFE_NAME(RtlStringCbPrintfEx)

#ifdef __cplusplus
}
#endif

#endif
