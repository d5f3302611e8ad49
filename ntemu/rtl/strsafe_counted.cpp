// ntstrsafe for counted destinations: RtlUnicodeString*.
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"
#include "ntemu/rtl/strsafe.h"

using namespace ntemu::rtl;

namespace {

constexpr size_t kMaxUnits = NTSTRSAFE_UNICODE_STRING_MAX_CCH;

NTSTATUS validate(const UNICODE_STRING *string, ULONG flags) {
  if (flags & ~ULONG{STRSAFE_UNICODE_STRING_VALID_FLAGS}) return STATUS_INVALID_PARAMETER;
  const bool ignored = !string && (flags & (STRSAFE_IGNORE_NULL_UNICODE_STRINGS | STRSAFE_IGNORE_NULLS));
  return ignored || (string && is_well_formed(*string)) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS init(UNICODE_STRING *destination, const char16_t *source, ULONG flags) {
  if (flags & ~ULONG{STRSAFE_UNICODE_STRING_VALID_FLAGS}) return STATUS_INVALID_PARAMETER;
  if (!destination) return flags & STRSAFE_IGNORE_NULLS && !source ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  *destination = {};
  if (!source) return STATUS_SUCCESS;
  const size_t length = strsafe::bounded_length(source, kMaxUnits);
  if (length == kMaxUnits) return STATUS_INVALID_PARAMETER;
  destination->Length = static_cast<USHORT>(length * sizeof(char16_t));
  destination->MaximumLength = static_cast<USHORT>(destination->Length + sizeof(char16_t));
  destination->Buffer = const_cast<char16_t *>(source);
  return STATUS_SUCCESS;
}

// Source of a counted string; NULL is empty.
auto from_counted(const UNICODE_STRING *source, size_t limit = kMaxUnits) {
  return [=](char16_t *to, size_t room) {
    const size_t wanted = source ? std::min(source->Length / sizeof(char16_t), limit) : 0;
    if (const size_t count = std::min(wanted, room)) std::memmove(to, source->Buffer, count * sizeof(char16_t));
    return wanted;
  };
}

// Source of a terminated string; NULL is empty.
auto from_text(const char16_t *source, size_t limit = kMaxUnits) {
  return [=](char16_t *to, size_t room) { return source ? strsafe::from_text(source, limit)(to, room) : size_t{0}; };
}

struct Extension {
  UNICODE_STRING *remaining = nullptr;
  ULONG flags = 0;
};

void leave_failed(UNICODE_STRING &destination, size_t start, ULONG flags) {
  if (flags & STRSAFE_NO_TRUNCATION) destination.Length = static_cast<USHORT>(start * sizeof(char16_t));
  if (flags & STRSAFE_FILL_ON_FAILURE) {
    std::memset(destination.Buffer, STRSAFE_GET_FILL_PATTERN(flags), destination.MaximumLength);
    destination.Length = STRSAFE_GET_FILL_PATTERN(flags) == 0 ? USHORT{0} : destination.MaximumLength;
  }
  if (flags & STRSAFE_ZERO_LENGTH_ON_FAILURE) destination.Length = 0;
}

template <class Source>
NTSTATUS place(strsafe::Mode mode, UNICODE_STRING *destination, size_t limit, bool source_good, Extension extension,
               Source &&source) {
  const ULONG flags = extension.flags;
  if (limit > kMaxUnits || !source_good || validate(destination, flags) != STATUS_SUCCESS)
    return STATUS_INVALID_PARAMETER;
  if (!destination) {
    char16_t nothing;
    return source(&nothing, 0) == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
  }
  const bool terminate = flags & STRSAFE_UNICODE_STRING_DEST_NULL_TERMINATED;
  const size_t start = mode == strsafe::Mode::kAppend ? destination->Length / sizeof(char16_t) : 0;
  const size_t units = destination->MaximumLength / sizeof(char16_t);
  if (units < start + terminate) return STATUS_BUFFER_OVERFLOW;
  const size_t room = units - start - terminate;
  const size_t wanted = source(destination->Buffer + start, room);
  const size_t end = start + std::min(wanted, room);
  destination->Length = static_cast<USHORT>(end * sizeof(char16_t));
  const NTSTATUS status = wanted > room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
  if (status != STATUS_SUCCESS) {
    leave_failed(*destination, start, flags);
  } else if (flags & STRSAFE_FILL_BEHIND) {
    const size_t used = (end + terminate) * sizeof(char16_t);
    std::memset(reinterpret_cast<char *>(destination->Buffer) + used, STRSAFE_GET_FILL_PATTERN(flags),
                destination->MaximumLength - used);
  }
  if (terminate) destination->Buffer[std::min<size_t>(destination->Length / sizeof(char16_t), units - 1)] = 0;
  if (extension.remaining) {
    const size_t length = destination->Length;
    *extension.remaining = {0, static_cast<USHORT>(destination->MaximumLength - length),
                            destination->Buffer + length / sizeof(char16_t)};
  }
  return status;
}

}  // namespace

extern "C" {

NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlUnicodeStringInit, DestinationString, pszSrc);
  return init(DestinationString, pszSrc, 0);
}

NTSTATUS RtlUnicodeStringInitEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringInitEx, DestinationString, pszSrc, dwFlags);
  return init(DestinationString, pszSrc, dwFlags);
}

NTSTATUS RtlUnicodeStringValidate(PCUNICODE_STRING SourceString) {
  NT_ENTER(RtlUnicodeStringValidate, SourceString);
  return validate(SourceString, 0);
}

NTSTATUS RtlUnicodeStringValidateEx(PCUNICODE_STRING SourceString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringValidateEx, SourceString, dwFlags);
  return validate(SourceString, dwFlags);
}

NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
  NT_ENTER(RtlUnicodeStringCopy, DestinationString, SourceString);
  return place(strsafe::Mode::kCopy, DestinationString, 0, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString));
}

NTSTATUS RtlUnicodeStringCopyEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCopyEx, DestinationString, SourceString, RemainingString, dwFlags);
  return place(strsafe::Mode::kCopy, DestinationString, 0, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString));
}

NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlUnicodeStringCopyString, DestinationString, pszSrc);
  return place(strsafe::Mode::kCopy, DestinationString, 0, pszSrc, {}, from_text(pszSrc));
}

NTSTATUS RtlUnicodeStringCopyStringEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                      PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCopyStringEx, DestinationString, pszSrc, RemainingString, dwFlags);
  return place(strsafe::Mode::kCopy, DestinationString, 0, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
  NT_ENTER(RtlUnicodeStringCat, DestinationString, SourceString);
  return place(strsafe::Mode::kAppend, DestinationString, 0, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString));
}

NTSTATUS RtlUnicodeStringCatEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                               PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCatEx, DestinationString, SourceString, RemainingString, dwFlags);
  return place(strsafe::Mode::kAppend, DestinationString, 0, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString));
}

NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlUnicodeStringCatString, DestinationString, pszSrc);
  return place(strsafe::Mode::kAppend, DestinationString, 0, pszSrc, {}, from_text(pszSrc));
}

NTSTATUS RtlUnicodeStringCatStringEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc,
                                     PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCatStringEx, DestinationString, pszSrc, RemainingString, dwFlags);
  return place(strsafe::Mode::kAppend, DestinationString, 0, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlUnicodeStringCchCopyN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cchToCopy) {
  NT_ENTER(RtlUnicodeStringCchCopyN, DestinationString, SourceString, cchToCopy);
  const size_t limit = cchToCopy;
  return place(strsafe::Mode::kCopy, DestinationString, limit, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCchCopyNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cchToCopy,
                                    PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCchCopyNEx, DestinationString, SourceString, cchToCopy, RemainingString, dwFlags);
  const size_t limit = cchToCopy;
  return place(strsafe::Mode::kCopy, DestinationString, limit, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCchCopyStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cchToCopy) {
  NT_ENTER(RtlUnicodeStringCchCopyStringN, DestinationString, pszSrc, cchToCopy);
  const size_t limit = cchToCopy;
  return place(strsafe::Mode::kCopy, DestinationString, limit, pszSrc, {}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCchCopyStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cchToCopy,
                                          PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCchCopyStringNEx, DestinationString, pszSrc, cchToCopy, RemainingString, dwFlags);
  const size_t limit = cchToCopy;
  return place(strsafe::Mode::kCopy, DestinationString, limit, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCchCatN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cchToAppend) {
  NT_ENTER(RtlUnicodeStringCchCatN, DestinationString, SourceString, cchToAppend);
  const size_t limit = cchToAppend;
  return place(strsafe::Mode::kAppend, DestinationString, limit, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCchCatNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cchToAppend,
                                   PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCchCatNEx, DestinationString, SourceString, cchToAppend, RemainingString, dwFlags);
  const size_t limit = cchToAppend;
  return place(strsafe::Mode::kAppend, DestinationString, limit, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCchCatStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cchToAppend) {
  NT_ENTER(RtlUnicodeStringCchCatStringN, DestinationString, pszSrc, cchToAppend);
  const size_t limit = cchToAppend;
  return place(strsafe::Mode::kAppend, DestinationString, limit, pszSrc, {}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCchCatStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cchToAppend,
                                         PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCchCatStringNEx, DestinationString, pszSrc, cchToAppend, RemainingString, dwFlags);
  const size_t limit = cchToAppend;
  return place(strsafe::Mode::kAppend, DestinationString, limit, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCbCopyN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cbToCopy) {
  NT_ENTER(RtlUnicodeStringCbCopyN, DestinationString, SourceString, cbToCopy);
  const size_t limit = cbToCopy / sizeof(char16_t);
  return place(strsafe::Mode::kCopy, DestinationString, limit, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCbCopyNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cbToCopy,
                                   PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCbCopyNEx, DestinationString, SourceString, cbToCopy, RemainingString, dwFlags);
  const size_t limit = cbToCopy / sizeof(char16_t);
  return place(strsafe::Mode::kCopy, DestinationString, limit, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCbCopyStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy) {
  NT_ENTER(RtlUnicodeStringCbCopyStringN, DestinationString, pszSrc, cbToCopy);
  const size_t limit = cbToCopy / sizeof(char16_t);
  return place(strsafe::Mode::kCopy, DestinationString, limit, pszSrc, {}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCbCopyStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy,
                                         PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCbCopyStringNEx, DestinationString, pszSrc, cbToCopy, RemainingString, dwFlags);
  const size_t limit = cbToCopy / sizeof(char16_t);
  return place(strsafe::Mode::kCopy, DestinationString, limit, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCbCatN(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cbToAppend) {
  NT_ENTER(RtlUnicodeStringCbCatN, DestinationString, SourceString, cbToAppend);
  const size_t limit = cbToAppend / sizeof(char16_t);
  return place(strsafe::Mode::kAppend, DestinationString, limit, validate(SourceString, 0) == STATUS_SUCCESS, {},
               from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCbCatNEx(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, size_t cbToAppend,
                                  PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCbCatNEx, DestinationString, SourceString, cbToAppend, RemainingString, dwFlags);
  const size_t limit = cbToAppend / sizeof(char16_t);
  return place(strsafe::Mode::kAppend, DestinationString, limit, validate(SourceString, dwFlags) == STATUS_SUCCESS,
               {RemainingString, dwFlags}, from_counted(SourceString, limit));
}

NTSTATUS RtlUnicodeStringCbCatStringN(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend) {
  NT_ENTER(RtlUnicodeStringCbCatStringN, DestinationString, pszSrc, cbToAppend);
  const size_t limit = cbToAppend / sizeof(char16_t);
  return place(strsafe::Mode::kAppend, DestinationString, limit, pszSrc, {}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringCbCatStringNEx(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend,
                                        PUNICODE_STRING RemainingString, ULONG dwFlags) {
  NT_ENTER(RtlUnicodeStringCbCatStringNEx, DestinationString, pszSrc, cbToAppend, RemainingString, dwFlags);
  const size_t limit = cbToAppend / sizeof(char16_t);
  return place(strsafe::Mode::kAppend, DestinationString, limit, pszSrc || (dwFlags & STRSAFE_IGNORE_NULLS),
               {RemainingString, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlUnicodeStringVPrintf, DestinationString, pszFormat, argList);
  return strsafe::with_format(pszFormat, argList, [&](auto &source) {
    return place(strsafe::Mode::kCopy, DestinationString, 0, pszFormat, {}, source);
  });
}

NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString, NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlUnicodeStringVPrintf(DestinationString, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlUnicodeStringVPrintfEx(PUNICODE_STRING DestinationString, PUNICODE_STRING RemainingString, ULONG dwFlags,
                                   NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlUnicodeStringVPrintfEx, DestinationString, RemainingString, dwFlags, pszFormat, argList);
  const char16_t *format = pszFormat || !(dwFlags & STRSAFE_IGNORE_NULLS) ? pszFormat : u"";
  return strsafe::with_format(format, argList, [&](auto &source) {
    return place(strsafe::Mode::kCopy, DestinationString, 0, format, {RemainingString, dwFlags}, source);
  });
}

NTSTATUS RtlUnicodeStringPrintfEx(PUNICODE_STRING DestinationString, PUNICODE_STRING RemainingString, ULONG dwFlags,
                                  NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlUnicodeStringVPrintfEx(DestinationString, RemainingString, dwFlags, pszFormat, arguments);
  va_end(arguments);
  return status;
}

}  // extern "C"
