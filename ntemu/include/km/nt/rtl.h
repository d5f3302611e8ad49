/* Run-time library: counted strings, conversions, memory, time fields and GUIDs. */
#ifndef NTEMU_KM_NT_RTL_H
#define NTEMU_KM_NT_RTL_H

#include "basetsd.h"
#ifdef NTEMU_DRIVER_BUILD
/* The WDK's headers bring these in; driver sources count on it. */
#include "../crt/ctype.h"
#include "../crt/string.h"
#include "../crt/wchar.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Lengths in UNICODE_STRING and STRING are bytes. The source of each entry is the WDK page of that name. A result the
 * routine allocates comes from paged pool and is given back with RtlFreeUnicodeString or its twin for that type.
 * Differs: the ANSI and OEM code page is UTF-8; text that is not valid converts to U+FFFD. Case folding is one to one
 * over the basic plane, from Unicode data; surrogates stay as they are.
 */

/* Point a counted string at a terminated one, or empty it when SourceString is NULL; nothing is copied. A source longer
   than 65532 bytes (narrow: 65534) is cut there. IRQL: <= DISPATCH_LEVEL. */
NTSYSAPI VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
NTSYSAPI VOID NTAPI RtlInitString(PSTRING DestinationString, PCSTR SourceString);
NTSYSAPI VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString);
NTSYSAPI VOID NTAPI RtlInitUTF8String(PUTF8_STRING DestinationString, PCSTR SourceString);

/* Point a counted string at a terminated one; STATUS_NAME_TOO_LONG, and nothing done, when it would be cut. IRQL:
 * PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString);
NTSYSAPI NTSTATUS NTAPI RtlInitStringEx(PSTRING DestinationString, PCSTR SourceString);
NTSYSAPI NTSTATUS NTAPI RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSTR SourceString);
NTSYSAPI NTSTATUS NTAPI RtlInitUTF8StringEx(PUTF8_STRING DestinationString, PCSTR SourceString);

/* Make an empty string over a caller's buffer of BufferSize bytes. IRQL: any. */
FORCEINLINE VOID RtlInitEmptyUnicodeString(PUNICODE_STRING UnicodeString, PWCHAR Buffer, USHORT BufferSize) {
  UnicodeString->Length = 0;
  UnicodeString->MaximumLength = BufferSize;
  UnicodeString->Buffer = Buffer;
}
FORCEINLINE VOID RtlInitEmptyAnsiString(PANSI_STRING AnsiString, PCHAR Buffer, USHORT BufferSize) {
  AnsiString->Length = 0;
  AnsiString->MaximumLength = BufferSize;
  AnsiString->Buffer = Buffer;
}

/* Initialiser of a counted string over a literal. */
#ifdef __cplusplus
extern "C++" {
template <class Char>
constexpr Char *ntemu_rtl_literal(const Char *text) {
  return const_cast<Char *>(text);
}
}
#define RTL_CONSTANT_STRING(s) \
  { sizeof(s) - sizeof((s)[0]), sizeof(s), ntemu_rtl_literal(s) }
#else
#define RTL_CONSTANT_STRING(s) \
  { sizeof(s) - sizeof((s)[0]), sizeof(s), (void *)(s) }
#endif
#define DECLARE_CONST_UNICODE_STRING(_var, _string) \
  const WCHAR _var##_buffer[] = _string;            \
  const UNICODE_STRING _var = {sizeof(_string) - sizeof(WCHAR), sizeof(_string), (PWCH)_var##_buffer}
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(_var, _string) \
  static const WCHAR _var##_buffer[] = _string;            \
  static const UNICODE_STRING _var = {sizeof(_string) - sizeof(WCHAR), sizeof(_string), (PWCH)_var##_buffer}
#define DECLARE_UNICODE_STRING_SIZE(_var, _size) \
  WCHAR _var##_buffer[_size];                    \
  UNICODE_STRING _var = {0, (_size) * sizeof(WCHAR), _var##_buffer}

#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS 32767
#define ANSI_STRING_MAX_BYTES ((USHORT)65535)
#define MAX_USTRING UNICODE_STRING_MAX_BYTES
#define MAXUSTRING UNICODE_STRING_MAX_BYTES

/* Copy as much as the destination's MaximumLength holds, without an error when that is less; terminate if there is
   room; NULL source empties the destination. IRQL: <= DISPATCH_LEVEL. */
NTSYSAPI VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSYSAPI VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString);

/* Compare two strings by code unit (upcased first if CaseInSensitive): their order as a negative, 0 or positive number,
   or whether they are equal. IRQL: PASSIVE_LEVEL. */
NTSYSAPI LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                            BOOLEAN CaseInSensitive);
NTSYSAPI LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2, SIZE_T String2Length,
                                             BOOLEAN CaseInSensitive);
NTSYSAPI LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
NTSYSAPI BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                             BOOLEAN CaseInSensitive);
NTSYSAPI BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);

/* TRUE when the second string begins (ends) with the first; an empty first string always matches. IRQL: PASSIVE_LEVEL.
 */
NTSYSAPI BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                              BOOLEAN CaseInSensitive);
NTSYSAPI BOOLEAN NTAPI RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
NTSYSAPI BOOLEAN NTAPI RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                              BOOLEAN CaseInSensitive);

/* Append; the destination stays as it was and STATUS_BUFFER_TOO_SMALL comes back when the sum of the lengths exceeds
   MaximumLength. A terminator is added if there is room. IRQL: <= DISPATCH_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
NTSYSAPI NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSYSAPI NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source);
NTSYSAPI NTSTATUS NTAPI RtlAppendAsciizToString(PSTRING Destination, PCSTR Source);

/* Case of one character. IRQL: PASSIVE_LEVEL. Differs: RtlUpperChar folds ASCII only. */
NTSYSAPI WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
NTSYSAPI WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
NTSYSAPI CHAR NTAPI RtlUpperChar(CHAR Character);

/* Upcased copy, cut at the destination's MaximumLength. IRQL: PASSIVE_LEVEL. */
NTSYSAPI VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString);

/* Case of a whole string. STATUS_NO_MEMORY when the allocation fails; STATUS_BUFFER_OVERFLOW when a caller's buffer is
   smaller than the source. The result is not terminated. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                               BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                 BOOLEAN AllocateDestinationString);

/* Conversions between Unicode and ANSI; the result is terminated. STATUS_INVALID_PARAMETER_2 when it would exceed what
   a counted string can hold; STATUS_NO_MEMORY; STATUS_BUFFER_OVERFLOW when a caller's buffer is too small (a narrow
   result is cut and terminated if there is any room, a wide one is left alone). IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                     BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                                     BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                    BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlOemStringToUnicodeString(PUNICODE_STRING DestinationString, PCOEM_STRING SourceString,
                                                    BOOLEAN AllocateDestinationString);

/* Conversions between Unicode and OEM without a terminator; statuses as above. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToCountedOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                           BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlOemStringToCountedUnicodeString(PUNICODE_STRING DestinationString, PCOEM_STRING SourceString,
                                                           BOOLEAN AllocateDestinationString);

/* Bytes that the conversion needs, terminator included. IRQL: PASSIVE_LEVEL. */
NTSYSAPI ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
NTSYSAPI ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString);
NTSYSAPI ULONG NTAPI RtlxUnicodeStringToOemSize(PCUNICODE_STRING UnicodeString);
NTSYSAPI ULONG NTAPI RtlxOemStringToUnicodeSize(PCOEM_STRING OemString);
#define RtlUnicodeStringToAnsiSize(String) RtlxUnicodeStringToAnsiSize(String)
#define RtlAnsiStringToUnicodeSize(String) RtlxAnsiStringToUnicodeSize(String)
#define RtlUnicodeStringToOemSize(String) RtlxUnicodeStringToOemSize(String)
#define RtlOemStringToUnicodeSize(String) RtlxOemStringToUnicodeSize(String)

/* Give back a buffer that an Rtl routine allocated and empty the string; a NULL buffer is fine. IRQL: PASSIVE_LEVEL. */
NTSYSAPI VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
NTSYSAPI VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString);
NTSYSAPI VOID NTAPI RtlFreeOemString(POEM_STRING OemString);
NTSYSAPI VOID NTAPI RtlFreeUTF8String(PUTF8_STRING Utf8String);

/* Allocated copy. STATUS_INVALID_PARAMETER for unknown Flags, for ALLOCATE_NULL_STRING without NULL_TERMINATE or for a
   malformed source; STATUS_NAME_TOO_LONG when the terminator does not fit; STATUS_NO_MEMORY. An empty source gives a
   NULL buffer unless ALLOCATE_NULL_STRING is set. IRQL: PASSIVE_LEVEL. */
#define RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE 0x00000001
#define RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING 0x00000002
NTSYSAPI NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn, PUNICODE_STRING StringOut);

/* Allocated terminated copy of SourceString; FALSE when it is too long or memory is short. IRQL: PASSIVE_LEVEL. */
NTSYSAPI BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);

/* STATUS_INVALID_PARAMETER for nonzero Flags, an odd or excessive Length, or a missing buffer. IRQL: <= DISPATCH_LEVEL.
 */
NTSYSAPI NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String);

/* Text of an unsigned number in Base 2, 8, 10, 16 (0 means 10), upper-case digits, terminated if there is room.
   STATUS_INVALID_PARAMETER for another base; STATUS_BUFFER_OVERFLOW when it does not fit. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSYSAPI NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
#define RtlIntPtrToUnicodeString(Value, Base, String) RtlInt64ToUnicodeString(Value, Base, String)
/* Number in front of a string: leading blanks, a sign, and with Base 0 the prefixes 0b, 0o, 0x; 0 when there are no
   digits. Excess digits wrap. STATUS_INVALID_PARAMETER for another base than 0, 2, 8, 10, 16. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSYSAPI NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value);

/* Hash for tables of names. STATUS_INVALID_PARAMETER for a NULL argument or an unknown algorithm. IRQL: PASSIVE_LEVEL.
 */
#define HASH_STRING_ALGORITHM_DEFAULT 0
#define HASH_STRING_ALGORITHM_X65599 1
#define HASH_STRING_ALGORITHM_INVALID 0xffffffff
NTSYSAPI NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                             PULONG HashValue);

/* Raw conversions; the result is cut, never terminated. STATUS_BUFFER_OVERFLOW when it is cut (unverified). The count
   of bytes written goes to the optional third argument. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                               PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                               ULONG BytesInUnicodeString);
NTSYSAPI NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                               PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                               ULONG BytesInMultiByteString);
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString,
                                         PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTSYSAPI NTSTATUS NTAPI RtlOemToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString,
                                         PCCH OemString, ULONG BytesInOemString);

/* Bytes that the conversion needs, without a terminator. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                                  ULONG BytesInUnicodeString);
NTSYSAPI NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                                  ULONG BytesInMultiByteString);

/* UTF-8. STATUS_SOME_NOT_MAPPED when invalid input became U+FFFD; STATUS_BUFFER_TOO_SMALL when the destination is too
   small (whole characters that fit are written); a NULL destination only counts; STATUS_INVALID_PARAMETER_4 for a NULL
   source, STATUS_INVALID_PARAMETER_5 for an odd UTF-16 length, STATUS_INVALID_PARAMETER without destination and count.
   IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                          PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                          ULONG UnicodeStringByteCount);
NTSYSAPI NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                          PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                                          ULONG UTF8StringByteCount);

/* Conversions of counted strings between Unicode and UTF-8; the result is terminated. Statuses as for
   RtlUnicodeStringToAnsiString, and STATUS_SOME_NOT_MAPPED. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToUTF8String(PUTF8_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                     BOOLEAN AllocateDestinationString);
NTSYSAPI NTSTATUS NTAPI RtlUTF8StringToUnicodeString(PUNICODE_STRING DestinationString, const UTF8_STRING *SourceString,
                                                     BOOLEAN AllocateDestinationString);

/* Number of leading bytes that are equal. IRQL: any. */
NTSYSAPI SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);

/* Number of leading bytes made of copies of Pattern; Length is rounded down to whole ULONGs. IRQL: any. */
NTSYSAPI SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern);

/* Fill with copies of Pattern; Length is rounded down to whole patterns. IRQL: any. */
NTSYSAPI VOID NTAPI RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern);
NTSYSAPI VOID NTAPI RtlFillMemoryUlonglong(PVOID Destination, SIZE_T Length, ULONGLONG Pattern);

/* memmove that first reports, once per call site, a write beyond the object that the compiler sees behind Destination;
   ObjectSize is (SIZE_T)-1 when it sees none. The copy is done in any case. Behind the macros of checked builds only.
 */
NTSYSAPI PVOID NTAPI nt_copy_checked(PVOID Destination, const VOID *Source, SIZE_T Length, SIZE_T ObjectSize,
                                     const char *File, int Line);

/* Copying. IRQL: any. Differs: RtlCopyMemory tolerates overlap, which Windows does by luck. */
#ifdef NTEMU_CHECKED
#define RtlCopyMemory(Destination, Source, Length) \
  nt_copy_checked((Destination), (Source), (Length), __builtin_object_size((Destination), 0), __FILE__, __LINE__)
#else
#define RtlCopyMemory(Destination, Source, Length) __builtin_memmove((Destination), (Source), (Length))
#endif
#define RtlMoveMemory(Destination, Source, Length) RtlCopyMemory(Destination, Source, Length)
#define RtlCopyBytes(Destination, Source, Length) RtlCopyMemory(Destination, Source, Length)
#define RtlCopyMemoryNonTemporal(Destination, Source, Length) ((VOID)RtlCopyMemory(Destination, Source, Length))
#define RtlZeroMemory(Destination, Length) __builtin_memset((Destination), 0, (Length))
#define RtlZeroBytes(Destination, Length) RtlZeroMemory(Destination, Length)
#define RtlFillMemory(Destination, Length, Fill) __builtin_memset((Destination), (Fill), (Length))
#define RtlFillBytes(Destination, Length, Fill) RtlFillMemory(Destination, Length, Fill)
#define RtlEqualMemory(Destination, Source, Length) (!__builtin_memcmp((Destination), (Source), (Length)))

/* Zero memory that the compiler may not optimise away. IRQL: any. */
FORCEINLINE PVOID RtlSecureZeroMemory(PVOID ptr, SIZE_T cnt) {
  __builtin_memset(ptr, 0, cnt);
  __asm__ __volatile__("" : : "r"(ptr) : "memory");
  return ptr;
}

#define RtlUshortByteSwap(x) __builtin_bswap16((USHORT)(x))
#define RtlUlongByteSwap(x) __builtin_bswap32((ULONG)(x))
#define RtlUlonglongByteSwap(x) __builtin_bswap64((ULONGLONG)(x))

/* Calendar time, years 1601 to 30827, Milliseconds 0 to 999, Weekday 0 = Sunday. */
typedef struct _TIME_FIELDS {
  CSHORT Year;
  CSHORT Month;
  CSHORT Day;
  CSHORT Hour;
  CSHORT Minute;
  CSHORT Second;
  CSHORT Milliseconds;
  CSHORT Weekday;
} TIME_FIELDS, *PTIME_FIELDS;
NTEMU_ASSERT_SIZE(TIME_FIELDS, 16);

/* Split Time (100 ns units since 1601). IRQL: any. */
NTSYSAPI VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);

/* Join calendar fields to a time; Weekday is ignored. FALSE when a field is out of range. IRQL: any. */
NTSYSAPI BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);

/* Convert between Time and seconds since 1970 or 1980; FALSE when they do not fit a ULONG. IRQL: any. */
NTSYSAPI BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
NTSYSAPI VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);
NTSYSAPI BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
NTSYSAPI VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);

/* Allocated text {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}, upper case. STATUS_NO_MEMORY. IRQL: PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString);

/* Read a GUID from its text, in either case. STATUS_INVALID_PARAMETER when the text is not of that form. IRQL:
 * PASSIVE_LEVEL. */
NTSYSAPI NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid);

#define RTL_RUN_ONCE_CHECK_ONLY 0x00000001UL
#define RTL_RUN_ONCE_ASYNC 0x00000002UL
#define RTL_RUN_ONCE_INIT_FAILED 0x00000004UL
#define RTL_RUN_ONCE_CTX_RESERVED_BITS 2
#define RTL_RUN_ONCE_INIT \
  { 0 }

/* Opaque; 0 is a fresh one. */
typedef union _RTL_RUN_ONCE {
  PVOID Ptr;
  ULONG_PTR Value;
  struct {
    ULONG_PTR State : 2;
  };
} RTL_RUN_ONCE, *PRTL_RUN_ONCE;
NTEMU_ASSERT_SIZE(RTL_RUN_ONCE, 8);

/* Returns nonzero when it has initialized what it is for. */
typedef ULONG NTAPI RTL_RUN_ONCE_INIT_FN(PRTL_RUN_ONCE RunOnce, PVOID Parameter, PVOID *Context);
typedef RTL_RUN_ONCE_INIT_FN *PRTL_RUN_ONCE_INIT_FN;

/** Makes a one-time initialization fresh, as RTL_RUN_ONCE_INIT does. IRQL: any. Source: WDK: RtlRunOnceInitialize. */
NTSYSAPI VOID NTAPI RtlRunOnceInitialize(PRTL_RUN_ONCE RunOnce);

/** Calls InitFn unless an initialization has succeeded before, waiting for one that is under way; *Context is what the
   successful InitFn stored there (its low two bits must be 0). STATUS_UNSUCCESSFUL when InitFn returned 0 (the value is
   unverified); a later call tries again. Normal kernel APCs are disabled meanwhile. Context: may be NULL. IRQL:
   <= APC_LEVEL. Source: WDK: RtlRunOnceExecuteOnce. */
NTSYSAPI NTSTATUS NTAPI RtlRunOnceExecuteOnce(PRTL_RUN_ONCE RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter,
                                              PVOID *Context);

/** Begins a one-time initialization: STATUS_PENDING, the caller initializes and calls RtlRunOnceComplete;
   STATUS_SUCCESS, it was done before, and *Context is its context. Waits for one that is under way, but with
   RTL_RUN_ONCE_ASYNC several run side by side. RTL_RUN_ONCE_CHECK_ONLY: STATUS_UNSUCCESSFUL instead of beginning or
   waiting. STATUS_INVALID_PARAMETER_2 for other or both flags, or when one that is under way was begun with
   RTL_RUN_ONCE_ASYNC and this is not, or the other way round (all error values are unverified). IRQL: <= APC_LEVEL.
   Source: WDK: RtlRunOnceBeginInitialize. */
NTSYSAPI NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context);

/** Ends what RtlRunOnceBeginInitialize began, with the same RTL_RUN_ONCE_ASYNC. RTL_RUN_ONCE_INIT_FAILED: the next one
   tries again; not with RTL_RUN_ONCE_ASYNC, and Context has to be NULL. STATUS_UNSUCCESSFUL when none is under way:
   with RTL_RUN_ONCE_ASYNC another thread was first, and the caller undoes what it did. STATUS_INVALID_PARAMETER_2 for
   wrong flags, STATUS_INVALID_PARAMETER_3 for a Context with either of its low two bits set (both unverified). IRQL:
   <= APC_LEVEL. Source: WDK: RtlRunOnceComplete; Win32: InitOnceComplete. */
NTSYSAPI NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context);

#ifdef __cplusplus
}
#endif

#endif
