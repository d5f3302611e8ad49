// ntstrsafe for wide text: the exported functions over the rules in strsafe.h.
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/strsafe.h"

using namespace ntemu::rtl::strsafe;

extern "C" {

NTSTATUS RtlStringCchCopyW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlStringCchCopyW, pszDest, cchDest, pszSrc);
  return copy(Destination(pszDest, cchDest, Count::kUnits), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCchCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc, size_t cchToCopy) {
  NT_ENTER(RtlStringCchCopyNW, pszDest, cchDest, pszSrc, cchToCopy);
  const size_t limit = to_units<char16_t>(cchToCopy, Count::kUnits);
  return copy(Destination(pszDest, cchDest, Count::kUnits), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCopyExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                             NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCopyExW, pszDest, cchDest, pszSrc, ppszDestEnd, pcchRemaining, dwFlags);
  return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), 0, pszSrc,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCchCopyNExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc, size_t cchToCopy,
                              NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCopyNExW, pszDest, cchDest, pszSrc, cchToCopy, ppszDestEnd, pcchRemaining, dwFlags);
  const size_t limit = to_units<char16_t>(cchToCopy, Count::kUnits);
  return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCatW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlStringCchCatW, pszDest, cchDest, pszSrc);
  return append(Destination(pszDest, cchDest, Count::kUnits), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCchCatNW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc, size_t cchToAppend) {
  NT_ENTER(RtlStringCchCatNW, pszDest, cchDest, pszSrc, cchToAppend);
  const size_t limit = to_units<char16_t>(cchToAppend, Count::kUnits);
  return append(Destination(pszDest, cchDest, Count::kUnits), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCatExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc,
                            NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCatExW, pszDest, cchDest, pszSrc, ppszDestEnd, pcchRemaining, dwFlags);
  return extended(Mode::kAppend, Destination(pszDest, cchDest, Count::kUnits), 0, pszSrc,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCchCatNExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszSrc, size_t cchToAppend,
                             NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCatNExW, pszDest, cchDest, pszSrc, cchToAppend, ppszDestEnd, pcchRemaining, dwFlags);
  const size_t limit = to_units<char16_t>(cchToAppend, Count::kUnits);
  return extended(Mode::kAppend, Destination(pszDest, cchDest, Count::kUnits), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchLengthW(NTSTRSAFE_PCWSTR psz, size_t cchMax, size_t *pcchLength) {
  NT_ENTER(RtlStringCchLengthW, psz, cchMax, pcchLength);
  return length(psz, cchMax, Count::kUnits, pcchLength);
}

NTSTATUS RtlStringCchVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCchVPrintfW, pszDest, cchDest, pszFormat, argList);
  return with_format(pszFormat, argList,
                     [&](auto &source) { return copy(Destination(pszDest, cchDest, Count::kUnits), 0, source); });
}

NTSTATUS RtlStringCchVPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                                size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCchVPrintfExW, pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, argList);
  return with_format(pszFormat, argList, [&](auto &source) {
    return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), 0, pszFormat,
                    Results{ppszDestEnd, pcchRemaining, dwFlags}, source);
  });
}

NTSTATUS RtlStringCchPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlStringCchVPrintfW(pszDest, cchDest, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCchPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cchDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                               size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status =
      RtlStringCchVPrintfExW(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCbCopyW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlStringCbCopyW, pszDest, cbDest, pszSrc);
  return copy(Destination(pszDest, cbDest, Count::kBytes), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCbCopyNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy) {
  NT_ENTER(RtlStringCbCopyNW, pszDest, cbDest, pszSrc, cbToCopy);
  const size_t limit = to_units<char16_t>(cbToCopy, Count::kBytes);
  return copy(Destination(pszDest, cbDest, Count::kBytes), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCopyExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc,
                            NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCopyExW, pszDest, cbDest, pszSrc, ppszDestEnd, pcbRemaining, dwFlags);
  return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), 0, pszSrc,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCbCopyNExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToCopy,
                             NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCopyNExW, pszDest, cbDest, pszSrc, cbToCopy, ppszDestEnd, pcbRemaining, dwFlags);
  const size_t limit = to_units<char16_t>(cbToCopy, Count::kBytes);
  return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCatW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc) {
  NT_ENTER(RtlStringCbCatW, pszDest, cbDest, pszSrc);
  return append(Destination(pszDest, cbDest, Count::kBytes), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCbCatNW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend) {
  NT_ENTER(RtlStringCbCatNW, pszDest, cbDest, pszSrc, cbToAppend);
  const size_t limit = to_units<char16_t>(cbToAppend, Count::kBytes);
  return append(Destination(pszDest, cbDest, Count::kBytes), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCatExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc,
                           NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCatExW, pszDest, cbDest, pszSrc, ppszDestEnd, pcbRemaining, dwFlags);
  return extended(Mode::kAppend, Destination(pszDest, cbDest, Count::kBytes), 0, pszSrc,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCbCatNExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszSrc, size_t cbToAppend,
                            NTSTRSAFE_PWSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCatNExW, pszDest, cbDest, pszSrc, cbToAppend, ppszDestEnd, pcbRemaining, dwFlags);
  const size_t limit = to_units<char16_t>(cbToAppend, Count::kBytes);
  return extended(Mode::kAppend, Destination(pszDest, cbDest, Count::kBytes), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbLengthW(NTSTRSAFE_PCWSTR psz, size_t cbMax, size_t *pcbLength) {
  NT_ENTER(RtlStringCbLengthW, psz, cbMax, pcbLength);
  return length(psz, cbMax, Count::kBytes, pcbLength);
}

NTSTATUS RtlStringCbVPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCbVPrintfW, pszDest, cbDest, pszFormat, argList);
  return with_format(pszFormat, argList,
                     [&](auto &source) { return copy(Destination(pszDest, cbDest, Count::kBytes), 0, source); });
}

NTSTATUS RtlStringCbVPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                               size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCbVPrintfExW, pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat, argList);
  return with_format(pszFormat, argList, [&](auto &source) {
    return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), 0, pszFormat,
                    Results{ppszDestEnd, pcbRemaining, dwFlags}, source);
  });
}

NTSTATUS RtlStringCbPrintfW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlStringCbVPrintfW(pszDest, cbDest, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCbPrintfExW(NTSTRSAFE_PWSTR pszDest, size_t cbDest, NTSTRSAFE_PWSTR *ppszDestEnd,
                              size_t *pcbRemaining, ULONG dwFlags, NTSTRSAFE_PCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status =
      RtlStringCbVPrintfExW(pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat, arguments);
  va_end(arguments);
  return status;
}

}  // extern "C"
