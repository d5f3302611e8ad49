#include "fs/host_names.h"

#include "fs/names.h"
#include "ntemu/base/utf.h"

namespace ntemu::fs {
namespace {

constexpr char16_t kShift = 0xF000;
bool shifted(char16_t c) {
  return c > kShift && c < kShift + 0x80 && !legal_in_name(static_cast<char16_t>(c - kShift)) && c != kShift + u'/';
}

}  // namespace

std::string to_host_name(std::u16string_view name) {
  std::u16string mapped(name);
  for (char16_t &c : mapped) {
    if (shifted(c)) c = static_cast<char16_t>(c - kShift);
  }
  return base::to_utf8(mapped);
}

std::optional<std::u16string> from_host_name(std::string_view name) {
  auto wide = base::to_utf16(name);
  if (!wide || wide->size() > kMaxComponent) return std::nullopt;
  for (char16_t &c : *wide) {
    if (shifted(c)) return std::nullopt;
    if (!legal_in_name(c)) c = static_cast<char16_t>(c + kShift);
  }
  return wide;
}

}  // namespace ntemu::fs
