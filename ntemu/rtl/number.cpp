// Numbers to and from text, and the hash of names.
#include <type_traits>

#include "nt/rtl.h"
#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/rtl/counted.h"

using namespace ntemu;

namespace {

bool usable_base(ULONG base) { return base == 2 || base == 8 || base == 10 || base == 16; }

NTSTATUS to_text(ULONGLONG value, ULONG base, UNICODE_STRING &string) {
  if (base == 0) base = 10;
  if (!usable_base(base)) return STATUS_INVALID_PARAMETER;
  char16_t digits[64];
  size_t first = std::size(digits);
  do {
    digits[--first] = u"0123456789ABCDEF"[value % base];
    value /= base;
  } while (value != 0);
  const size_t bytes = (std::size(digits) - first) * sizeof(char16_t);
  if (bytes > string.MaximumLength) return STATUS_BUFFER_OVERFLOW;
  string.Length = 0;
  rtl::append(string, digits + first, bytes);
  return STATUS_SUCCESS;
}

template <class Char>
NTSTATUS to_number(std::basic_string_view<Char> text, ULONG base, ULONG &value) {
  using Unsigned = std::conditional_t<sizeof(Char) == 1, unsigned char, char16_t>;
  if (base != 0 && !usable_base(base)) return STATUS_INVALID_PARAMETER;
  while (!text.empty() && static_cast<Unsigned>(text[0]) <= ' ') text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == '0') {
      base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : text[1] == 'b' ? 2 : 10;
      if (base != 10) text.remove_prefix(2);
    }
  }
  ULONG total = 0;
  for (const Char c : text) {
    const auto unit = static_cast<ULONG>(static_cast<Unsigned>(rtl::upcase(c)));
    const ULONG digit = unit >= '0' && unit <= '9' ? unit - '0' : unit >= 'A' && unit <= 'F' ? unit - 'A' + 10 : 16;
    if (digit >= base) break;
    total = total * base + digit;
  }
  value = negative ? 0 - total : total;
  return STATUS_SUCCESS;
}

}  // namespace

extern "C" {

NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String) {
  NT_ENTER(RtlIntegerToUnicodeString, Value, Base, String);
  return to_text(Value, Base, *String);
}

NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String) {
  NT_ENTER(RtlInt64ToUnicodeString, Value, Base, String);
  return to_text(Value, Base, *String);
}

NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value) {
  NT_ENTER(RtlUnicodeStringToInteger, String, Base, Value);
  return to_number(rtl::text_of(*String), Base, *Value);
}

NTSTATUS RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value) {
  NT_ENTER(RtlCharToInteger, String, Base, Value);
  return to_number(std::string_view(String), Base, *Value);
}

NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm, PULONG HashValue) {
  NT_ENTER(RtlHashUnicodeString, String, CaseInSensitive, HashAlgorithm, HashValue);
  if (!String || !HashValue || HashAlgorithm > HASH_STRING_ALGORITHM_X65599) return STATUS_INVALID_PARAMETER;
  ULONG hash = 0;
  for (const char16_t c : rtl::text_of(*String)) hash = hash * 65599 + (CaseInSensitive ? rtl::upcase(c) : c);
  *HashValue = hash;
  return STATUS_SUCCESS;
}

}  // extern "C"
