#include "ntemu/vf/injection.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <unordered_set>

#include "ntemu/base/clock.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/ex/pool.h"
#include "ntemu/vf/asked_call.h"
#include "ntemu/vf/special_pool.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

constexpr std::string_view kExcluded = "excluded";

struct Injection {
  base::Mutex mutex;
  std::optional<LowResources> low NTEMU_GUARDED_BY(mutex);
  uint64_t calls NTEMU_GUARDED_BY(mutex) = 0;
  uint64_t failed NTEMU_GUARDED_BY(mutex) = 0;
  bool systematic NTEMU_GUARDED_BY(mutex) = false;
  bool suspended NTEMU_GUARDED_BY(mutex) = false;
  std::filesystem::path file NTEMU_GUARDED_BY(mutex);
  std::unordered_set<uint64_t> known NTEMU_GUARDED_BY(mutex);
  std::vector<FailedStack> stacks NTEMU_GUARDED_BY(mutex);
  uint64_t failed_now NTEMU_GUARDED_BY(mutex) = 0;
};

Injection &injection() {
  static Injection *all = new Injection;
  return *all;
}

// What runs short with memory. Source: Microsoft's page of Low Resources Simulation; those of the calls it names that
// the kernel has, and those that allocate in the same way.
bool runs_short(std::string_view api) {
  static const std::unordered_set<std::string_view> all{
      "ExAllocateFromLookasideListEx",
      "ExAllocateFromNPagedLookasideList",
      "ExAllocateFromPagedLookasideList",
      "ExAllocatePool",
      "ExAllocatePool2",
      "ExAllocatePoolUninitialized",
      "ExAllocatePoolWithTag",
      "ExAllocatePoolZero",
      "IoAllocateIrp",
      "IoAllocateMdl",
      "IoAllocateWorkItem",
      "IoBuildAsynchronousFsdRequest",
      "IoBuildDeviceIoControlRequest",
      "IoBuildSynchronousFsdRequest",
      "IoMakeAssociatedIrp",
      "MmMapLockedPagesSpecifyCache",
      "RtlAnsiStringToUnicodeString",
      "RtlUnicodeStringToAnsiString",
  };
  return all.contains(api);
}

// The same for the same arguments, evenly spread.
uint64_t mix(uint64_t seed, uint64_t number) {
  uint64_t value = seed + (number + 1) * 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

bool choose_low(Injection &all, const AskedCall &call) NTEMU_REQUIRES(all.mutex) {
  if (!all.low || !runs_short(call.name())) return false;
  const LowResources &settings = *all.low;
  if (base::clock().interrupt_time() < base::Nt100ns{settings.delay_minutes} * 60 * base::kNtPerSecond) return false;
  if (!settings.tags.empty() && !(call.tag() && tag_fits(settings.tags, *call.tag()))) return false;
  if (mix(*settings.seed, all.calls++) % 10000 >= settings.probability) return false;
  ++all.failed;
  return true;
}

bool append_line(const std::filesystem::path &file, const std::string &line) {
  if (file.empty()) return true;
  const int descriptor = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  const bool written = write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  close(descriptor);
  return written;
}

bool choose_systematic(Injection &all, AskedCall &call) NTEMU_REQUIRES(all.mutex) {
  if (!all.systematic || all.suspended || call.frames().empty()) return false;
  const uint64_t stack = call.stack();
  if (!all.known.insert(stack).second) return false;
  const std::string api(call.name());
  // A stack that cannot be remembered would end every run.
  if (!append_line(all.file, fmt::format("{:016x} {}\n", stack, api))) {
    base::log(base::Level::kWarning, "verifier", "{} cannot be written", all.file.string());
    return false;
  }
  all.stacks.push_back({stack, api});
  ++all.failed_now;
  return true;
}

bool choose(AskedCall &call) {
  const ULONG options = options_at(call.caller());
  if (!(options & (kLowResources | kSystematicFaults))) return false;
  Injection &all = injection();
  bool systematic, chosen;
  {
    base::Guard guard(all.mutex);
    systematic = (options & kSystematicFaults) && choose_systematic(all, call);
    chosen = systematic || ((options & kLowResources) && choose_low(all, call));
  }
  if (chosen) {
    base::log(base::Level::kInfo, "verifier", "{} is made to fail ({}): {}", call.name(),
              systematic ? fmt::format("stack {:016x}", call.stack()) : "low resources",
              ex::describe_site(call.caller()));
  }
  return chosen;
}

void update(const Injection &all) NTEMU_REQUIRES(all.mutex) {
  set_injector(all.low || (all.systematic && !all.suspended) ? choose : nullptr);
}

}  // namespace

void start_low_resources(const LowResources &settings) {
  Injection &all = injection();
  uint64_t seed;
  {
    base::Guard guard(all.mutex);
    all.low = settings;
    if (!all.low->seed) all.low->seed = std::random_device{}() | uint64_t{std::random_device{}()} << 32;
    seed = *all.low->seed;
    all.calls = all.failed = 0;
    update(all);
  }
  base::log(base::Level::kInfo, "verifier", "low resources: {} of 10,000 calls fail from minute {} on, seed {:#x}",
            settings.probability, settings.delay_minutes, seed);
}

void stop_low_resources() {
  base::Guard guard(injection().mutex);
  injection().low.reset();
  update(injection());
}

NTSTATUS start_systematic_faults(const std::filesystem::path &file) {
  std::vector<FailedStack> stacks;
  std::unordered_set<uint64_t> known;
  if (!append_line(file, "")) return STATUS_OBJECT_PATH_NOT_FOUND;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    FailedStack each;
    if (!(words >> std::hex >> each.stack >> each.api)) continue;  // torn by the end of a process
    known.insert(each.stack);
    if (each.api != kExcluded) stacks.push_back(std::move(each));
  }
  Injection &all = injection();
  base::Guard guard(all.mutex);
  all.file = file;
  all.stacks = std::move(stacks);
  all.known = std::move(known);
  all.failed_now = 0;
  all.systematic = true;
  all.suspended = false;
  update(all);
  return STATUS_SUCCESS;
}

void stop_systematic_faults() {
  Injection &all = injection();
  base::Guard guard(all.mutex);
  all.systematic = all.suspended = false;
  all.stacks.clear();
  all.known.clear();
  all.failed_now = 0;
  update(all);
}

void suspend_systematic_faults() {
  base::Guard guard(injection().mutex);
  injection().suspended = true;
  update(injection());
}

void resume_systematic_faults() {
  base::Guard guard(injection().mutex);
  injection().suspended = false;
  update(injection());
}

NTSTATUS reset_systematic_faults() {
  Injection &all = injection();
  base::Guard guard(all.mutex);
  if (!all.file.empty()) {
    std::error_code error;
    std::filesystem::resize_file(all.file, 0, error);
    if (error) return STATUS_OBJECT_PATH_NOT_FOUND;
  }
  all.stacks.clear();
  all.known.clear();
  all.failed_now = 0;
  return STATUS_SUCCESS;
}

void exclude_stack(uint64_t stack) {
  Injection &all = injection();
  base::Guard guard(all.mutex);
  if (!all.known.insert(stack).second) return;
  append_line(all.file, fmt::format("{:016x} {}\n", stack, kExcluded));
}

InjectionStatus query_injection() {
  Injection &all = injection();
  base::Guard guard(all.mutex);
  InjectionStatus status;
  status.low_resources = all.low.has_value();
  if (all.low) status.settings = *all.low;
  status.calls = all.calls;
  status.failed = all.failed;
  status.systematic = all.systematic;
  status.suspended = all.suspended;
  status.stacks = all.stacks;
  status.failed_now = all.failed_now;
  return status;
}

}  // namespace ntemu::vf
