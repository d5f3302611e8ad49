// ntstrsafe for narrow text: the exported functions over the rules in strsafe.h.
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/strsafe.h"

using namespace ntemu::rtl::strsafe;

extern "C" {

NTSTATUS RtlStringCchCopyA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc) {
  NT_ENTER(RtlStringCchCopyA, pszDest, cchDest, pszSrc);
  return copy(Destination(pszDest, cchDest, Count::kUnits), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCchCopyNA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToCopy) {
  NT_ENTER(RtlStringCchCopyNA, pszDest, cchDest, pszSrc, cchToCopy);
  const size_t limit = to_units<char>(cchToCopy, Count::kUnits);
  return copy(Destination(pszDest, cchDest, Count::kUnits), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCopyExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc,
                             NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCopyExA, pszDest, cchDest, pszSrc, ppszDestEnd, pcchRemaining, dwFlags);
  return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), 0, pszSrc,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCchCopyNExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToCopy,
                              NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCopyNExA, pszDest, cchDest, pszSrc, cchToCopy, ppszDestEnd, pcchRemaining, dwFlags);
  const size_t limit = to_units<char>(cchToCopy, Count::kUnits);
  return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCatA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc) {
  NT_ENTER(RtlStringCchCatA, pszDest, cchDest, pszSrc);
  return append(Destination(pszDest, cchDest, Count::kUnits), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCchCatNA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToAppend) {
  NT_ENTER(RtlStringCchCatNA, pszDest, cchDest, pszSrc, cchToAppend);
  const size_t limit = to_units<char>(cchToAppend, Count::kUnits);
  return append(Destination(pszDest, cchDest, Count::kUnits), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchCatExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, NTSTRSAFE_PSTR *ppszDestEnd,
                            size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCatExA, pszDest, cchDest, pszSrc, ppszDestEnd, pcchRemaining, dwFlags);
  return extended(Mode::kAppend, Destination(pszDest, cchDest, Count::kUnits), 0, pszSrc,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCchCatNExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszSrc, size_t cchToAppend,
                             NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCchCatNExA, pszDest, cchDest, pszSrc, cchToAppend, ppszDestEnd, pcchRemaining, dwFlags);
  const size_t limit = to_units<char>(cchToAppend, Count::kUnits);
  return extended(Mode::kAppend, Destination(pszDest, cchDest, Count::kUnits), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcchRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCchLengthA(NTSTRSAFE_PCSTR psz, size_t cchMax, size_t *pcchLength) {
  NT_ENTER(RtlStringCchLengthA, psz, cchMax, pcchLength);
  return length(psz, cchMax, Count::kUnits, pcchLength);
}

NTSTATUS RtlStringCchVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCchVPrintfA, pszDest, cchDest, pszFormat, argList);
  return with_format(pszFormat, argList,
                     [&](auto &source) { return copy(Destination(pszDest, cchDest, Count::kUnits), 0, source); });
}

NTSTATUS RtlStringCchVPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PSTR *ppszDestEnd,
                                size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCchVPrintfExA, pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, argList);
  return with_format(pszFormat, argList, [&](auto &source) {
    return extended(Mode::kCopy, Destination(pszDest, cchDest, Count::kUnits), 0, pszFormat,
                    Results{ppszDestEnd, pcchRemaining, dwFlags}, source);
  });
}

NTSTATUS RtlStringCchPrintfA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PCSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlStringCchVPrintfA(pszDest, cchDest, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCchPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cchDest, NTSTRSAFE_PSTR *ppszDestEnd,
                               size_t *pcchRemaining, ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status =
      RtlStringCchVPrintfExA(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCbCopyA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc) {
  NT_ENTER(RtlStringCbCopyA, pszDest, cbDest, pszSrc);
  return copy(Destination(pszDest, cbDest, Count::kBytes), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCbCopyNA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToCopy) {
  NT_ENTER(RtlStringCbCopyNA, pszDest, cbDest, pszSrc, cbToCopy);
  const size_t limit = to_units<char>(cbToCopy, Count::kBytes);
  return copy(Destination(pszDest, cbDest, Count::kBytes), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCopyExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, NTSTRSAFE_PSTR *ppszDestEnd,
                            size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCopyExA, pszDest, cbDest, pszSrc, ppszDestEnd, pcbRemaining, dwFlags);
  return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), 0, pszSrc,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCbCopyNExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToCopy,
                             NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCopyNExA, pszDest, cbDest, pszSrc, cbToCopy, ppszDestEnd, pcbRemaining, dwFlags);
  const size_t limit = to_units<char>(cbToCopy, Count::kBytes);
  return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCatA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc) {
  NT_ENTER(RtlStringCbCatA, pszDest, cbDest, pszSrc);
  return append(Destination(pszDest, cbDest, Count::kBytes), 0, from_text(pszSrc));
}

NTSTATUS RtlStringCbCatNA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToAppend) {
  NT_ENTER(RtlStringCbCatNA, pszDest, cbDest, pszSrc, cbToAppend);
  const size_t limit = to_units<char>(cbToAppend, Count::kBytes);
  return append(Destination(pszDest, cbDest, Count::kBytes), limit, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbCatExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, NTSTRSAFE_PSTR *ppszDestEnd,
                           size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCatExA, pszDest, cbDest, pszSrc, ppszDestEnd, pcbRemaining, dwFlags);
  return extended(Mode::kAppend, Destination(pszDest, cbDest, Count::kBytes), 0, pszSrc,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc));
}

NTSTATUS RtlStringCbCatNExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszSrc, size_t cbToAppend,
                            NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags) {
  NT_ENTER(RtlStringCbCatNExA, pszDest, cbDest, pszSrc, cbToAppend, ppszDestEnd, pcbRemaining, dwFlags);
  const size_t limit = to_units<char>(cbToAppend, Count::kBytes);
  return extended(Mode::kAppend, Destination(pszDest, cbDest, Count::kBytes), limit, pszSrc || limit == 0,
                  Results{ppszDestEnd, pcbRemaining, dwFlags}, from_text(pszSrc, limit));
}

NTSTATUS RtlStringCbLengthA(NTSTRSAFE_PCSTR psz, size_t cbMax, size_t *pcbLength) {
  NT_ENTER(RtlStringCbLengthA, psz, cbMax, pcbLength);
  return length(psz, cbMax, Count::kBytes, pcbLength);
}

NTSTATUS RtlStringCbVPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCbVPrintfA, pszDest, cbDest, pszFormat, argList);
  return with_format(pszFormat, argList,
                     [&](auto &source) { return copy(Destination(pszDest, cbDest, Count::kBytes), 0, source); });
}

NTSTATUS RtlStringCbVPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining,
                               ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, va_list argList) {
  NT_ENTER(RtlStringCbVPrintfExA, pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat, argList);
  return with_format(pszFormat, argList, [&](auto &source) {
    return extended(Mode::kCopy, Destination(pszDest, cbDest, Count::kBytes), 0, pszFormat,
                    Results{ppszDestEnd, pcbRemaining, dwFlags}, source);
  });
}

NTSTATUS RtlStringCbPrintfA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PCSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status = RtlStringCbVPrintfA(pszDest, cbDest, pszFormat, arguments);
  va_end(arguments);
  return status;
}

NTSTATUS RtlStringCbPrintfExA(NTSTRSAFE_PSTR pszDest, size_t cbDest, NTSTRSAFE_PSTR *ppszDestEnd, size_t *pcbRemaining,
                              ULONG dwFlags, NTSTRSAFE_PCSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  const NTSTATUS status =
      RtlStringCbVPrintfExA(pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat, arguments);
  va_end(arguments);
  return status;
}

}  // extern "C"
