// Which calls the hooks for mocks, faults and observers see, and what stands in for which API.
#include <array>
#include <stdexcept>
#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/api/kernel_image.h"
#include "ntemu/base/lock.h"

namespace ntemu::api {
namespace {

constexpr size_t kCount = static_cast<size_t>(Id::kCount);

struct Overrides {
  base::Mutex mutex;
  std::array<std::shared_ptr<const Override>, kCount> of NTEMU_GUARDED_BY(mutex);
  size_t installed NTEMU_GUARDED_BY(mutex) = 0;
};

Overrides &overrides() {
  static Overrides *all = new Overrides;
  return *all;
}

thread_local int bypasses = 0;
thread_local bool bypasses_one = false;

bool is_va_list_form(Id id) {
  static const auto *forms = [] {
    auto *each = new std::array<bool, kCount>{};
    for (size_t i = 0; i < table().size(); ++i) {
      const std::string_view name = table()[i].name;
      (*each)[i] = name == "vDbgPrintEx" || name.find("VPrintf") != name.npos;
    }
    return each;
  }();
  return (*forms)[static_cast<size_t>(id)];
}

}  // namespace

std::atomic<void (*)(Id id, const void *caller)> observe_call{[](Id, const void *) {}};
std::atomic<CallHook> inject_fault{[](const Call &, uint64_t &) { return false; }};
std::atomic<CallHook> verify_call{[](const Call &, uint64_t &) { return false; }};

bool is_from_outside(Id id, const void *caller) {
  if (bypasses > 0 || std::exchange(bypasses_one, false)) return false;
  return !is_kernel_code(caller) || is_va_list_form(id);
}

std::shared_ptr<const Override> find_override(Id id) {
  base::Guard guard(overrides().mutex);
  return overrides().of[static_cast<size_t>(id)];
}

std::shared_ptr<const Override> exchange_override(std::string_view api, std::shared_ptr<const Override> override) {
  const Entry *entry = find(api);
  if (!entry || entry->level == Level::Stub)
    throw std::invalid_argument(std::string(api) + " is not an API that ntemu implements");
  if (api == "KeBugCheck" || api == "KeBugCheckEx" || api == "ExRaiseStatus")
    throw std::invalid_argument(std::string(api) + " does not return: nothing can stand in for it");
  Overrides &all = overrides();
  base::Guard guard(all.mutex);
  auto &place = all.of[static_cast<size_t>(entry - table().data())];
  all.installed += (override != nullptr) - (place != nullptr);
  if (all.installed > 0) {
    hooks.fetch_or(kOverride);
  } else {
    hooks.fetch_and(~uint32_t{kOverride});
  }
  return std::exchange(place, std::move(override));
}

Bypass::Bypass() { ++bypasses; }
Bypass::~Bypass() { --bypasses; }
BypassOne::BypassOne() { bypasses_one = true; }
BypassOne::~BypassOne() { bypasses_one = false; }
bool is_bypassed() { return bypasses > 0; }

}  // namespace ntemu::api
