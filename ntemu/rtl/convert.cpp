// Conversions between UTF-16 and narrow text, which is UTF-8 under each of its names (ANSI, OEM, UTF-8).
#include <algorithm>

#include "nt/rtl.h"
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"
#include "ntemu/rtl/transcode.h"

using namespace ntemu;

namespace {

enum class End { kTerminated, kCounted };

template <class To, class From>
size_t units_for(std::basic_string_view<From> text) {
  return rtl::transcode<To>(text, static_cast<To *>(nullptr), 0).units;
}

ULONG size_with_terminator(size_t units, size_t unit) { return static_cast<ULONG>((units + 1) * unit); }

// The body of the counted conversions. A narrow result that is too long is cut; a wide one is left alone.
template <class To, class From>
NTSTATUS convert(To &destination, const From &source, bool allocate, End end) {
  using Char = typename rtl::Unit<To>::type;
  const auto text = rtl::text_of(source);
  const size_t terminator = end == End::kTerminated ? sizeof(Char) : 0;
  const size_t bytes = units_for<Char>(text) * sizeof(Char);
  if (bytes + terminator > (sizeof(Char) == 1 ? 0xFFFF : 0xFFFE)) return STATUS_INVALID_PARAMETER_2;
  NTSTATUS status = STATUS_SUCCESS;
  size_t room = bytes;
  if (allocate) {
    if (!rtl::allocate(destination, bytes + terminator)) return STATUS_NO_MEMORY;
  } else if (bytes + terminator > destination.MaximumLength) {
    if (sizeof(Char) != 1 || destination.MaximumLength == 0) return STATUS_BUFFER_OVERFLOW;
    status = STATUS_BUFFER_OVERFLOW;
    room = destination.MaximumLength - terminator;
  }
  const auto done = rtl::transcode<Char>(text, destination.Buffer, room / sizeof(Char));
  destination.Length = static_cast<USHORT>(done.units * sizeof(Char));
  if (terminator) destination.Buffer[done.units] = 0;
  return status;
}

// The body of the raw conversions; `destination` may be null for those that only count.
template <class To, class From>
rtl::Transcoded convert_raw(To *destination, ULONG bytes, PULONG actual, const From *source, ULONG source_bytes) {
  const std::basic_string_view<From> text(source, source_bytes / sizeof(From));
  const auto done = rtl::transcode<To>(text, destination, bytes / sizeof(To));
  if (actual) *actual = static_cast<ULONG>(done.units * sizeof(To));
  return done;
}

NTSTATUS status_of(const rtl::Transcoded &done) { return done.complete ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW; }

NTSTATUS utf8_status_of(const rtl::Transcoded &done) {
  if (!done.complete) return STATUS_BUFFER_TOO_SMALL;
  return done.all_valid ? STATUS_SUCCESS : STATUS_SOME_NOT_MAPPED;
}

template <class To, class From>
NTSTATUS convert_utf8(To &destination, const From &source, bool allocate) {
  using Char = typename rtl::Unit<To>::type;
  const NTSTATUS status = convert(destination, source, allocate, End::kTerminated);
  if (status != STATUS_SUCCESS) return status;
  return rtl::transcode<Char>(rtl::text_of(source), static_cast<Char *>(nullptr), 0).all_valid ? STATUS_SUCCESS
                                                                                               : STATUS_SOME_NOT_MAPPED;
}

}  // namespace

extern "C" {

NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUnicodeStringToAnsiString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kTerminated);
}

NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlAnsiStringToUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kTerminated);
}

NTSTATUS RtlUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                     BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUnicodeStringToOemString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kTerminated);
}

NTSTATUS RtlOemStringToUnicodeString(PUNICODE_STRING DestinationString, PCOEM_STRING SourceString,
                                     BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlOemStringToUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kTerminated);
}

NTSTATUS RtlUnicodeStringToCountedOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUnicodeStringToCountedOemString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kCounted);
}

NTSTATUS RtlOemStringToCountedUnicodeString(PUNICODE_STRING DestinationString, PCOEM_STRING SourceString,
                                            BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlOemStringToCountedUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return convert(*DestinationString, *SourceString, AllocateDestinationString, End::kCounted);
}

NTSTATUS RtlUnicodeStringToUTF8String(PUTF8_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUnicodeStringToUTF8String, DestinationString, SourceString, AllocateDestinationString);
  return convert_utf8(*DestinationString, *SourceString, AllocateDestinationString);
}

NTSTATUS RtlUTF8StringToUnicodeString(PUNICODE_STRING DestinationString, const UTF8_STRING *SourceString,
                                      BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUTF8StringToUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return convert_utf8(*DestinationString, *SourceString, AllocateDestinationString);
}

ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString) {
  NT_ENTER(RtlxUnicodeStringToAnsiSize, UnicodeString);
  return size_with_terminator(units_for<char>(rtl::text_of(*UnicodeString)), sizeof(char));
}

ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString) {
  NT_ENTER(RtlxAnsiStringToUnicodeSize, AnsiString);
  return size_with_terminator(units_for<char16_t>(rtl::text_of(*AnsiString)), sizeof(char16_t));
}

ULONG RtlxUnicodeStringToOemSize(PCUNICODE_STRING UnicodeString) {
  NT_ENTER(RtlxUnicodeStringToOemSize, UnicodeString);
  return size_with_terminator(units_for<char>(rtl::text_of(*UnicodeString)), sizeof(char));
}

ULONG RtlxOemStringToUnicodeSize(PCOEM_STRING OemString) {
  NT_ENTER(RtlxOemStringToUnicodeSize, OemString);
  return size_with_terminator(units_for<char16_t>(rtl::text_of(*OemString)), sizeof(char16_t));
}

NTSTATUS RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString, PULONG BytesInMultiByteString,
                                PCWCH UnicodeString, ULONG BytesInUnicodeString) {
  NT_ENTER(RtlUnicodeToMultiByteN, MultiByteString, MaxBytesInMultiByteString, BytesInMultiByteString, UnicodeString,
           BytesInUnicodeString);
  return status_of(convert_raw(MultiByteString, MaxBytesInMultiByteString, BytesInMultiByteString, UnicodeString,
                               BytesInUnicodeString));
}

NTSTATUS RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString,
                                const CHAR *MultiByteString, ULONG BytesInMultiByteString) {
  NT_ENTER(RtlMultiByteToUnicodeN, UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, MultiByteString,
           BytesInMultiByteString);
  return status_of(convert_raw(UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, MultiByteString,
                               BytesInMultiByteString));
}

NTSTATUS RtlUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString, PCWCH UnicodeString,
                          ULONG BytesInUnicodeString) {
  NT_ENTER(RtlUnicodeToOemN, OemString, MaxBytesInOemString, BytesInOemString, UnicodeString, BytesInUnicodeString);
  return status_of(convert_raw(OemString, MaxBytesInOemString, BytesInOemString, UnicodeString, BytesInUnicodeString));
}

NTSTATUS RtlOemToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString,
                          PCCH OemString, ULONG BytesInOemString) {
  NT_ENTER(RtlOemToUnicodeN, UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, OemString, BytesInOemString);
  return status_of(
      convert_raw(UnicodeString, MaxBytesInUnicodeString, BytesInUnicodeString, OemString, BytesInOemString));
}

NTSTATUS RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString, ULONG BytesInUnicodeString) {
  NT_ENTER(RtlUnicodeToMultiByteSize, BytesInMultiByteString, UnicodeString, BytesInUnicodeString);
  return status_of(convert_raw<char>(nullptr, 0, BytesInMultiByteString, UnicodeString, BytesInUnicodeString));
}

NTSTATUS RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                   ULONG BytesInMultiByteString) {
  NT_ENTER(RtlMultiByteToUnicodeSize, BytesInUnicodeString, MultiByteString, BytesInMultiByteString);
  return status_of(convert_raw<char16_t>(nullptr, 0, BytesInUnicodeString, MultiByteString, BytesInMultiByteString));
}

NTSTATUS RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount, PULONG UTF8StringActualByteCount,
                           PCWCH UnicodeStringSource, ULONG UnicodeStringByteCount) {
  NT_ENTER(RtlUnicodeToUTF8N, UTF8StringDestination, UTF8StringMaxByteCount, UTF8StringActualByteCount,
           UnicodeStringSource, UnicodeStringByteCount);
  if (!UnicodeStringSource) return STATUS_INVALID_PARAMETER_4;
  if (!UTF8StringDestination && !UTF8StringActualByteCount) return STATUS_INVALID_PARAMETER;
  if (UnicodeStringByteCount % 2 != 0) return STATUS_INVALID_PARAMETER_5;
  return utf8_status_of(convert_raw(UTF8StringDestination, UTF8StringMaxByteCount, UTF8StringActualByteCount,
                                    UnicodeStringSource, UnicodeStringByteCount));
}

NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                           PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource, ULONG UTF8StringByteCount) {
  NT_ENTER(RtlUTF8ToUnicodeN, UnicodeStringDestination, UnicodeStringMaxByteCount, UnicodeStringActualByteCount,
           UTF8StringSource, UTF8StringByteCount);
  if (!UTF8StringSource) return STATUS_INVALID_PARAMETER_4;
  if (!UnicodeStringDestination && !UnicodeStringActualByteCount) return STATUS_INVALID_PARAMETER;
  return utf8_status_of(convert_raw(UnicodeStringDestination, UnicodeStringMaxByteCount, UnicodeStringActualByteCount,
                                    UTF8StringSource, UTF8StringByteCount));
}

}  // extern "C"
