// GUIDs as text: {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}.
#include <cstdio>

#include "nt/rtl.h"
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"

using namespace ntemu;

namespace {

constexpr size_t kLength = 38;

// Takes `digits` hexadecimal digits off the front of `text`.
bool take_hex(std::u16string_view &text, size_t digits, ULONG &value) {
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char16_t c = rtl::upcase(text[i]);
    if (c >= u'0' && c <= u'9') {
      value = value * 16 + (c - ULONG{u'0'});
    } else if (c >= u'A' && c <= u'F') {
      value = value * 16 + (c - ULONG{u'A'} + 10);
    } else {
      return false;
    }
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::u16string_view &text, char16_t c) {
  if (text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

extern "C" {

NTSTATUS RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString) {
  NT_ENTER(RtlStringFromGUID, Guid, GuidString);
  char text[kLength + 1];
  const UCHAR *d = Guid->Data4;
  std::snprintf(text, sizeof text, "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", Guid->Data1, Guid->Data2,
                Guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
  if (!rtl::allocate(*GuidString, std::size(text) * sizeof(WCHAR))) return STATUS_NO_MEMORY;
  std::copy(std::begin(text), std::end(text), GuidString->Buffer);
  GuidString->Length = kLength * sizeof(WCHAR);
  return STATUS_SUCCESS;
}

NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid) {
  NT_ENTER(RtlGUIDFromString, GuidString, Guid);
  std::u16string_view text = rtl::text_of(*GuidString);
  if (text.size() < kLength) return STATUS_INVALID_PARAMETER;
  ULONG data1, data2, data3, bytes[8];
  bool good = take(text, u'{') && take_hex(text, 8, data1) && take(text, u'-') && take_hex(text, 4, data2) &&
              take(text, u'-') && take_hex(text, 4, data3) && take(text, u'-');
  for (size_t i = 0; good && i < 8; ++i) good = (i != 2 || take(text, u'-')) && take_hex(text, 2, bytes[i]);
  if (!good || !take(text, u'}')) return STATUS_INVALID_PARAMETER;
  Guid->Data1 = data1;
  Guid->Data2 = static_cast<USHORT>(data2);
  Guid->Data3 = static_cast<USHORT>(data3);
  for (size_t i = 0; i < 8; ++i) Guid->Data4[i] = static_cast<UCHAR>(bytes[i]);
  return STATUS_SUCCESS;
}

}  // extern "C"
