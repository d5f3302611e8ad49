#include "ntemu/vf/fault.h"

#include <map>
#include <utility>

#include "ntemu/base/lock.h"
#include "ntemu/vf/asked_call.h"

namespace ntemu::vf {
namespace {

struct ActiveRule {
  FaultRule rule;
  uint32_t met = 0;
};

struct Faults {
  base::Mutex mutex;
  std::vector<ActiveRule> rules NTEMU_GUARDED_BY(mutex);
  uint32_t injected NTEMU_GUARDED_BY(mutex) = 0;
  bool recording NTEMU_GUARDED_BY(mutex) = false;
  std::atomic<Injector> injector{nullptr};
  std::map<std::pair<std::string_view, uint64_t>, std::vector<const void *>> points NTEMU_GUARDED_BY(mutex);
  std::vector<FaultPoint> in_order NTEMU_GUARDED_BY(mutex);
};

Faults &faults() {
  static Faults *all = new Faults;
  return *all;
}

bool meets(const FaultRule &rule, AskedCall &call) {
  if (rule.api.empty() ? !call.failure() : rule.api != call.name()) return false;
  if (rule.tag && call.tag() != rule.tag) return false;
  return rule.stack == 0 || call.stack() == rule.stack;
}

bool decide_by_rules(AskedCall &call, uint64_t &result) {
  Faults &all = faults();
  base::Guard guard(all.mutex);
  if (all.recording && call.failure()) {
    const auto frames = call.frames();
    const auto [at, fresh] = all.points.try_emplace({call.name(), call.stack()}, frames.begin(), frames.end());
    if (fresh) all.in_order.push_back({std::string(call.name()), at->first.second, at->second});
  }
  for (ActiveRule &active : all.rules) {
    if (!meets(active.rule, call)) continue;
    const uint32_t met = active.met++;
    if (met < active.rule.skip) continue;
    if (active.rule.times != 0 && met - active.rule.skip >= active.rule.times) continue;
    result = static_cast<uint64_t>(active.rule.result ? *active.rule.result : call.failure()->result);
    ++all.injected;
    return true;
  }
  return false;
}

bool decide(const api::Call &query, uint64_t &result) {
  AskedCall call(query);
  if (call.raises()) return false;
  if (decide_by_rules(call, result)) return true;
  const Injector injector = faults().injector.load(std::memory_order_acquire);
  if (!injector || !call.failure() || !injector(call)) return false;
  result = static_cast<uint64_t>(call.failure()->result);
  return true;
}

void update_hook(const Faults &all) NTEMU_REQUIRES(all.mutex) {
  api::inject_fault.store(decide, std::memory_order_release);
  if (all.rules.empty() && !all.recording && !all.injector.load()) {
    api::hooks.fetch_and(~uint32_t{api::kFaults});
  } else {
    api::hooks.fetch_or(api::kFaults);
  }
}

}  // namespace

NTSTATUS add_fault(const FaultRule &rule) {
  if (!rule.api.empty()) {
    const api::Entry *entry = api::find(rule.api);
    if (!entry || entry->level == api::Level::Stub) return STATUS_NOT_FOUND;
    if (!rule.result && !find_failure(rule.api)) return STATUS_NOT_SUPPORTED;
  }
  base::Guard guard(faults().mutex);
  faults().rules.push_back({rule});
  update_hook(faults());
  return STATUS_SUCCESS;
}

void clear_faults() {
  base::Guard guard(faults().mutex);
  faults().rules.clear();
  faults().injected = 0;
  update_hook(faults());
}

void set_injector(Injector injector) {
  base::Guard guard(faults().mutex);
  faults().injector = injector;
  update_hook(faults());
}

uint32_t faults_injected() {
  base::Guard guard(faults().mutex);
  return faults().injected;
}

void record_fault_points() {
  base::Guard guard(faults().mutex);
  faults().points.clear();
  faults().in_order.clear();
  faults().recording = true;
  update_hook(faults());
}

std::vector<FaultPoint> take_fault_points() {
  base::Guard guard(faults().mutex);
  faults().recording = false;
  update_hook(faults());
  return std::exchange(faults().in_order, {});
}

}  // namespace ntemu::vf
