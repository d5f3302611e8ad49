// STRING: the narrow counted strings (ANSI, OEM, UTF-8).
#include "nt/rtl.h"
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"

using namespace ntemu;

namespace {

constexpr size_t kLongest = 0xFFFE;

NTSTATUS init_checked(STRING &destination, const char *source) {
  STRING string;
  if (!rtl::init(string, source, kLongest)) return STATUS_NAME_TOO_LONG;
  destination = string;
  return STATUS_SUCCESS;
}

}  // namespace

extern "C" {

VOID RtlInitString(PSTRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitString, DestinationString, SourceString);
  rtl::init(*DestinationString, SourceString, kLongest);
}

VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitAnsiString, DestinationString, SourceString);
  rtl::init(*DestinationString, SourceString, kLongest);
}

VOID RtlInitUTF8String(PUTF8_STRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitUTF8String, DestinationString, SourceString);
  rtl::init(*DestinationString, SourceString, kLongest);
}

NTSTATUS RtlInitStringEx(PSTRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitStringEx, DestinationString, SourceString);
  return init_checked(*DestinationString, SourceString);
}

NTSTATUS RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitAnsiStringEx, DestinationString, SourceString);
  return init_checked(*DestinationString, SourceString);
}

NTSTATUS RtlInitUTF8StringEx(PUTF8_STRING DestinationString, PCSTR SourceString) {
  NT_ENTER(RtlInitUTF8StringEx, DestinationString, SourceString);
  return init_checked(*DestinationString, SourceString);
}

VOID RtlCopyString(PSTRING DestinationString, const STRING *SourceString) {
  NT_ENTER(RtlCopyString, DestinationString, SourceString);
  rtl::copy(*DestinationString, SourceString);
}

LONG RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlCompareString, String1, String2, CaseInSensitive);
  return rtl::compare(rtl::text_of(*String1), rtl::text_of(*String2), CaseInSensitive);
}

BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlEqualString, String1, String2, CaseInSensitive);
  return rtl::equal(rtl::text_of(*String1), rtl::text_of(*String2), CaseInSensitive);
}

BOOLEAN RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlPrefixString, String1, String2, CaseInSensitive);
  return rtl::is_prefix(*String1, *String2, CaseInSensitive);
}

NTSTATUS RtlAppendStringToString(PSTRING Destination, const STRING *Source) {
  NT_ENTER(RtlAppendStringToString, Destination, Source);
  return rtl::append(*Destination, Source->Buffer, Source->Length) ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS RtlAppendAsciizToString(PSTRING Destination, PCSTR Source) {
  NT_ENTER(RtlAppendAsciizToString, Destination, Source);
  return !Source || rtl::append(*Destination, Source, std::strlen(Source)) ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

CHAR RtlUpperChar(CHAR Character) {
  NT_ENTER(RtlUpperChar, Character);
  return rtl::upcase(Character);
}

VOID RtlUpperString(PSTRING DestinationString, const STRING *SourceString) {
  NT_ENTER(RtlUpperString, DestinationString, SourceString);
  rtl::copy(*DestinationString, SourceString);
  for (USHORT i = 0; i < DestinationString->Length; ++i)
    DestinationString->Buffer[i] = rtl::upcase(DestinationString->Buffer[i]);
}

VOID RtlFreeAnsiString(PANSI_STRING AnsiString) {
  NT_ENTER(RtlFreeAnsiString, AnsiString);
  rtl::release(*AnsiString);
}

VOID RtlFreeOemString(POEM_STRING OemString) {
  NT_ENTER(RtlFreeOemString, OemString);
  rtl::release(*OemString);
}

VOID RtlFreeUTF8String(PUTF8_STRING Utf8String) {
  NT_ENTER(RtlFreeUTF8String, Utf8String);
  rtl::release(*Utf8String);
}

}  // extern "C"
