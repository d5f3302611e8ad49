// UNICODE_STRING: making, copying, comparing, appending, case.
#include "nt/rtl.h"
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"

using namespace ntemu;

namespace {

// The longest Length that leaves room for a terminator within MaximumLength.
constexpr size_t kLongest = 0xFFFC;

template <char16_t (*Fold)(char16_t)>
NTSTATUS fold(UNICODE_STRING &destination, const UNICODE_STRING &source, bool allocate) {
  if (allocate) {
    if (!rtl::allocate(destination, source.Length)) return STATUS_NO_MEMORY;
  } else if (source.Length > destination.MaximumLength) {
    return STATUS_BUFFER_OVERFLOW;
  }
  const size_t count = source.Length / sizeof(char16_t);
  for (size_t i = 0; i < count; ++i) destination.Buffer[i] = Fold(source.Buffer[i]);
  destination.Length = source.Length;
  return STATUS_SUCCESS;
}

}  // namespace

extern "C" {

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  NT_ENTER(RtlInitUnicodeString, DestinationString, SourceString);
  rtl::init(*DestinationString, SourceString, kLongest);
}

NTSTATUS RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  NT_ENTER(RtlInitUnicodeStringEx, DestinationString, SourceString);
  UNICODE_STRING string;
  if (!rtl::init(string, SourceString, kLongest)) return STATUS_NAME_TOO_LONG;
  *DestinationString = string;
  return STATUS_SUCCESS;
}

VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString) {
  NT_ENTER(RtlCopyUnicodeString, DestinationString, SourceString);
  rtl::copy(*DestinationString, SourceString);
}

LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlCompareUnicodeString, String1, String2, CaseInSensitive);
  return rtl::compare(rtl::text_of(*String1), rtl::text_of(*String2), CaseInSensitive);
}

LONG RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2, SIZE_T String2Length,
                              BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlCompareUnicodeStrings, String1, String1Length, String2, String2Length, CaseInSensitive);
  return rtl::compare(std::u16string_view(String1, String1Length), std::u16string_view(String2, String2Length),
                      CaseInSensitive);
}

BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlEqualUnicodeString, String1, String2, CaseInSensitive);
  return rtl::equal(rtl::text_of(*String1), rtl::text_of(*String2), CaseInSensitive);
}

BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlPrefixUnicodeString, String1, String2, CaseInSensitive);
  return rtl::is_prefix(*String1, *String2, CaseInSensitive);
}

BOOLEAN RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive) {
  NT_ENTER(RtlSuffixUnicodeString, String1, String2, CaseInSensitive);
  const auto end = rtl::text_of(*String1), whole = rtl::text_of(*String2);
  return end.size() <= whole.size() && rtl::equal(end, whole.substr(whole.size() - end.size()), CaseInSensitive);
}

NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source) {
  NT_ENTER(RtlAppendUnicodeToString, Destination, Source);
  if (!Source) return STATUS_SUCCESS;
  const size_t bytes = std::u16string_view(Source).size() * sizeof(char16_t);
  return rtl::append(*Destination, Source, bytes) ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source) {
  NT_ENTER(RtlAppendUnicodeStringToString, Destination, Source);
  return rtl::append(*Destination, Source->Buffer, Source->Length) ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter) {
  NT_ENTER(RtlUpcaseUnicodeChar, SourceCharacter);
  return rtl::upcase(SourceCharacter);
}

WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter) {
  NT_ENTER(RtlDowncaseUnicodeChar, SourceCharacter);
  return rtl::downcase(SourceCharacter);
}

NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlUpcaseUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return fold<rtl::upcase>(*DestinationString, *SourceString, AllocateDestinationString);
}

NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                  BOOLEAN AllocateDestinationString) {
  NT_ENTER(RtlDowncaseUnicodeString, DestinationString, SourceString, AllocateDestinationString);
  return fold<rtl::downcase>(*DestinationString, *SourceString, AllocateDestinationString);
}

VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString) {
  NT_ENTER(RtlFreeUnicodeString, UnicodeString);
  rtl::release(*UnicodeString);
}

NTSTATUS RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String) {
  NT_ENTER(RtlValidateUnicodeString, Flags, String);
  return Flags == 0 && (!String || rtl::is_well_formed(*String)) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn, PUNICODE_STRING StringOut) {
  NT_ENTER(RtlDuplicateUnicodeString, Flags, StringIn, StringOut);
  constexpr ULONG terminate = RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE,
                  keep_empty = RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING;
  if ((Flags & ~(terminate | keep_empty)) || Flags == keep_empty || !StringIn || !StringOut ||
      !rtl::is_well_formed(*StringIn)) {
    return STATUS_INVALID_PARAMETER;
  }
  if (StringIn->Length == 0 && !(Flags & keep_empty)) {
    *StringOut = {};
    return STATUS_SUCCESS;
  }
  const size_t bytes = size_t{StringIn->Length} + (Flags & terminate ? sizeof(WCHAR) : 0);
  if (bytes > UNICODE_STRING_MAX_BYTES) return STATUS_NAME_TOO_LONG;
  UNICODE_STRING copy{};
  if (!rtl::allocate(copy, bytes)) return STATUS_NO_MEMORY;
  rtl::copy(copy, StringIn);
  *StringOut = copy;
  return STATUS_SUCCESS;
}

BOOLEAN RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString) {
  NT_ENTER(RtlCreateUnicodeString, DestinationString, SourceString);
  UNICODE_STRING source, copy{};
  if (!rtl::init(source, SourceString, kLongest) || !rtl::allocate(copy, source.Length + sizeof(WCHAR))) return FALSE;
  rtl::copy(copy, &source);
  *DestinationString = copy;
  return TRUE;
}

}  // extern "C"
