#include "ntemu/include/ntemu/testing/matchers.h"

#include <fmt/format.h>

#include <algorithm>

#include "ntemu/base/utf.h"
#include "ntemu/io/device.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ob/object.h"
#include "ntemu/rtl/case.h"
#include "ntemu/testing/quiet.h"

namespace ntemu::testing {
namespace {

struct StatusName {
  uint32_t status;
  const char *name;
};
// A value's first name is the usual one.
constexpr StatusName kStatusNames[] = {
#include "ntemu/testing/status_names.inc"
};

}  // namespace

std::string status_name(NTSTATUS status) {
  const auto value = static_cast<uint32_t>(status);
  for (const StatusName &row : kStatusNames) {
    if (row.status == value) return fmt::format("{} (0x{:08X})", row.name, value);
  }
  return fmt::format("0x{:08X}", value);
}

std::string to_utf8(std::u16string_view text) { return base::to_utf8(text); }

namespace detail {

std::u16string_view view(const UNICODE_STRING &string) { return base::view(string); }

bool equal(std::u16string_view a, std::u16string_view b, bool ignore_case) { return rtl::equal(a, b, ignore_case); }

std::u16string name_of_handle(HANDLE handle) {
  const Quiet quiet;
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode);
  if (!body) return {};
  std::u16string name = ob::name_of(*body);
  ob::dereference(*body);
  return name;
}

std::u16string object_path(std::u16string_view path) {
  const Quiet quiet;
  constexpr std::u16string_view kDosDevices[] = {u"\\??\\", u"\\DosDevices\\"};
  for (const auto prefix : kDosDevices) {
    if (path.size() > prefix.size() && rtl::equal(path.substr(0, prefix.size()), prefix, true))
      path.remove_prefix(prefix.size());
  }
  if (path.starts_with(u'\\')) return std::u16string(path);
  const size_t end = std::min(path.find(u'\\'), path.size());
  const auto device = ob::open_by_path(u"\\??\\" + std::u16string(path.substr(0, end)), &io::device_type);
  if (!device) return std::u16string(path);
  std::u16string name = ob::name_of(*device) + std::u16string(path.substr(end));
  ob::dereference(*device);
  return name;
}

bool holds_lock(const void *lock) { return ke::current().held.find(lock) != nullptr; }
KIRQL current_irql() { return ke::current().irql; }

void signal(PKEVENT event) {
  const Quiet quiet;
  KeSetEvent(event, IO_NO_INCREMENT, FALSE);
}

void wait_for(PKEVENT event) {
  const Quiet quiet;
  KeWaitForSingleObject(event, Executive, KernelMode, FALSE, nullptr);
}

}  // namespace detail
}  // namespace ntemu::testing
