#include "ntemu/vf/call_check.h"

#include <array>
#include <mutex>
#include <vector>

#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/vf/lock_order.h"
#include "ntemu/vf/paged_access.h"
#include "ntemu/vf/pool_checks.h"

namespace ntemu::vf {
namespace {

using api::Id;

struct Row {
  ULONG options;
  CallCheck check;
};
enum Counted : uint8_t { kNothing, kRaise, kSpinLock, kSynchronize, kAllocation, kUntagged, kCountedKinds };

// Written while no verified driver runs, read without a lock by those that do.
struct Table {
  std::array<std::vector<Row>, static_cast<size_t>(Id::kCount)> checks, rules;
  std::array<Counted, static_cast<size_t>(Id::kCount)> counted{};
  std::vector<api::CallHook> hooks;
};

Table &table() {
  static Table *all = new Table;
  return *all;
}

std::array<std::atomic<uint64_t>, kCountedKinds> counts;

bool verify(const api::Call &call, uint64_t &result) {
  const ULONG options = options_at(call.caller);
  if (options == 0) return false;
  const Table &all = table();
  const auto at = static_cast<size_t>(call.id);
  if (const Counted kind = all.counted[at]; kind != kNothing) counts[kind].fetch_add(1, std::memory_order_relaxed);
  for (const api::CallHook hook : all.hooks) {
    if (hook(call, result)) return true;
  }
  for (const Row &row : all.checks[at]) {
    if (row.options & options) row.check(call, options);
  }
  for (const Row &row : all.rules[at]) {
    if (row.options & options) row.check(call, options);
  }
  return false;
}

void add_counters() {
  auto &counted = table().counted;
  const auto set = [&](Counted kind, std::initializer_list<Id> ids) {
    for (const Id id : ids) counted[static_cast<size_t>(id)] = kind;
  };
  set(kRaise, {Id::KfRaiseIrql, Id::KeRaiseIrqlToDpcLevel, Id::KeRaiseIrqlToSynchLevel});
  set(kSpinLock, {Id::KeAcquireSpinLockRaiseToDpc, Id::KeAcquireSpinLockAtDpcLevel, Id::KeAcquireSpinLockForDpc,
                  Id::KeTryToAcquireSpinLockAtDpcLevel, Id::KeAcquireInStackQueuedSpinLock,
                  Id::KeAcquireInStackQueuedSpinLockAtDpcLevel, Id::KeAcquireInStackQueuedSpinLockForDpc});
  set(kSynchronize, {Id::KeSynchronizeExecution});
  set(kAllocation,
      {Id::ExAllocatePool2, Id::ExAllocatePoolWithTag, Id::ExAllocatePoolZero, Id::ExAllocatePoolUninitialized});
  set(kUntagged, {Id::ExAllocatePool});
}

// Nothing may be alive that has a destructor when the bugcheck leaves.
void log_call(const api::Call &call, const char *why) {
  base::log(base::Level::kError, "verifier", "{} at IRQL {}, called from {}{}: {}", api::entry(call.id).name,
            current_irql(), fmt::ptr(call.caller), ke::describe_address(call.caller), why);
}

}  // namespace

void add_call_check(Id id, ULONG options, CallCheck check, Stage stage) {
  auto &rows = stage == Stage::kCheck ? table().checks : table().rules;
  rows[static_cast<size_t>(id)].push_back({options, check});
}

void add_call_hook(api::CallHook hook) { table().hooks.push_back(hook); }

void start_call_checks() {
  static std::once_flag once;
  std::call_once(once, [] {
    add_counters();
    add_irql_checks();
    add_pageable_code_checks();
    add_region_checks();
    add_security_checks();
    add_object_checks();
    add_io_checks();
    add_rules();
    add_placement_checks();
    add_delays();
    add_call_hook(verify_lock_call);
    add_call_hook(verify_pool_call);
    api::verify_call.store(verify, std::memory_order_release);
  });
}

void report(const api::Call &call, const char *why, ULONG_PTR kind, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) {
  log_call(call, why);
  violation(kind, p2, p3, p4);
}

void report_bugcheck(const api::Call &call, const char *why, ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3,
                     ULONG_PTR p4) {
  log_call(call, why);
  ke::bugcheck(code, p1, p2, p3, p4);
}

void report_routine(const void *routine, const char *why, ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3,
                    ULONG_PTR p4) {
  base::log(base::Level::kError, "verifier", "the routine at {}{}: {}", fmt::ptr(routine),
            ke::describe_address(routine), why);
  ke::bugcheck(code, p1, p2, p3, p4);
}

Counters counters() {
  const auto of = [](Counted kind) { return counts[kind].load(std::memory_order_relaxed); };
  return {.raise_irqls = of(kRaise),
          .acquire_spin_locks = of(kSpinLock),
          .synchronize_executions = of(kSynchronize),
          .allocations_attempted = of(kAllocation) + of(kUntagged),
          .allocations_without_tag = of(kUntagged)};
}

void reset_counters() {
  for (auto &count : counts) count = 0;
}

}  // namespace ntemu::vf
