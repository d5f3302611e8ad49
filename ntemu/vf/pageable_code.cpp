#include "ntemu/vf/pageable_code.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "ntemu/base/lock.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

// Read without a lock, by signal handlers too; an entry without an end is free. What is executable is the host's page
// tables' to know: a state beside them could be wrong between the two changes.
struct Code {
  std::atomic<uintptr_t> begin, end;
};
std::array<Code, 256> codes;
std::atomic<size_t> used{0};
base::Mutex change;
std::atomic<bool> faults_are_handled{false};

void protect(const Code &code, int protection) {
  const uintptr_t begin = code.begin.load(std::memory_order_relaxed), end = code.end.load(std::memory_order_acquire);
  if (end > begin) mprotect(reinterpret_cast<void *>(begin), end - begin, protection);
}

bool is_forced(const Code &code) {
  return (options_at(reinterpret_cast<const void *>(code.begin.load(std::memory_order_relaxed))) & kForceIrql) != 0;
}

const Code *code_at(const void *address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (size_t i = 0; i < used.load(std::memory_order_acquire); ++i) {
    if (at >= codes[i].begin.load() && at < codes[i].end.load(std::memory_order_acquire)) return &codes[i];
  }
  return nullptr;
}

// The pages stay readable: who reads code is a debugger, a dump, or who walks a stack.
void trim_code() {
  for (size_t i = 0; i < used.load(std::memory_order_acquire); ++i) {
    if (is_forced(codes[i])) protect(codes[i], PROT_READ);
  }
}
void trim() {
  if (!faults_are_handled.load(std::memory_order_acquire)) return;
  trim_code();
  ex::trim_special_pool();
}
void trim_at_call(const api::Call &, ULONG) { trim(); }
void trim_at_raise(const api::Call &call, ULONG) {
  if (static_cast<KIRQL>(call.arguments[0]) >= DISPATCH_LEVEL) trim();
}

}  // namespace

void begin_trimming() { faults_are_handled.store(true, std::memory_order_release); }

void note_pageable_code(void *begin, size_t bytes) {
  base::Guard guard(change);
  if (code_at(begin)) return;
  size_t at = 0;
  while (at < used.load() && codes[at].end.load() != 0) ++at;
  if (at == codes.size()) return;
  codes[at].begin = reinterpret_cast<uintptr_t>(begin);
  codes[at].end.store(reinterpret_cast<uintptr_t>(begin) + bytes, std::memory_order_release);
  if (at == used.load()) used = at + 1;
}

void forget_pageable_code(const void *begin) {
  base::Guard guard(change);
  for (size_t i = 0; i < used.load(); ++i) {
    if (codes[i].begin.load() == reinterpret_cast<uintptr_t>(begin)) codes[i].end.store(0, std::memory_order_release);
  }
}

bool page_in(const void *address, KIRQL irql) {
  const Code *code = code_at(address);
  if (!code || (irql >= DISPATCH_LEVEL && is_forced(*code))) return false;
  protect(*code, PROT_READ | PROT_EXEC);
  return true;
}

bool is_pageable_code(const void *address) { return code_at(address) != nullptr; }

void add_pageable_code_checks() {
  add_call_check(api::Id::KfRaiseIrql, kForceIrql, trim_at_raise);
  for (const api::Id id :
       {api::Id::KeRaiseIrqlToDpcLevel, api::Id::KeRaiseIrqlToSynchLevel, api::Id::KeAcquireSpinLockRaiseToDpc,
        api::Id::KeAcquireSpinLockAtDpcLevel, api::Id::KeAcquireSpinLockForDpc,
        api::Id::KeTryToAcquireSpinLockAtDpcLevel, api::Id::KeAcquireInStackQueuedSpinLock,
        api::Id::KeAcquireInStackQueuedSpinLockAtDpcLevel, api::Id::KeAcquireInStackQueuedSpinLockForDpc,
        api::Id::KeSynchronizeExecution, api::Id::KeInsertQueueDpc, api::Id::KeSetTimer, api::Id::KeSetTimerEx})
    add_call_check(id, kForceIrql, trim_at_call);
}

}  // namespace ntemu::vf
