// Rundown protection: counted users of an object, and the end of it that waits for the last of them.
#include "ntemu/api/enter.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

// One count, on a cache line of its own where the memory is ours.
struct _EX_RUNDOWN_REF_CACHE_AWARE {
  EX_RUNDOWN_REF reference;
  PVOID block;  // what ExFreeCacheAwareRundownProtection frees
  UCHAR rest_of_line[48];
};

namespace {

// EX_RUNDOWN_REF.Count: twice the users. With kActive it is run down: nothing more once that is done, until then the
// address of the first of those who wait for it; who has set kQueue may change what it points to.
enum : ULONG_PTR { kActive = 1, kQueue = 2, kUser = 2, kStateBits = 3 };

// On the stack of a thread that waits for the end of the rundown.
struct alignas(16) RundownWaiter {
  KEVENT done;
  RundownWaiter *next;
  ULONG_PTR users;  // of the first block: those still there
};

ULONG_PTR load(const EX_RUNDOWN_REF &reference) { return __atomic_load_n(&reference.Count, __ATOMIC_ACQUIRE); }

bool exchange_if(EX_RUNDOWN_REF &reference, ULONG_PTR &seen, ULONG_PTR wanted) {
  return __atomic_compare_exchange_n(&reference.Count, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void set(EX_RUNDOWN_REF &reference, ULONG_PTR value) { __atomic_store_n(&reference.Count, value, __ATOMIC_RELEASE); }

ULONG_PTR word_of(RundownWaiter *first) { return reinterpret_cast<ULONG_PTR>(first) | kActive; }

// The first of those who wait, with kQueue set; nullptr when the rundown is over.
RundownWaiter *lock_queue(EX_RUNDOWN_REF &reference) {
  for (uint32_t round = 0;; ++round) {
    ULONG_PTR seen = load(reference);
    if (!(seen & ~kStateBits)) return nullptr;
    if (!(seen & kQueue) && exchange_if(reference, seen, seen | kQueue)) {
      return reinterpret_cast<RundownWaiter *>(seen & ~kStateBits);
    }
    ke::spin(round);
  }
}

bool acquire(EX_RUNDOWN_REF &reference, ULONG_PTR count) {
  ULONG_PTR seen = load(reference);
  do {
    if (seen & kActive) return false;
  } while (!exchange_if(reference, seen, seen + count * kUser));
  ke::note_progress(ke::current());
  return true;
}

__attribute__((noinline)) void leave_rundown(EX_RUNDOWN_REF &reference, ULONG_PTR count) {
  RundownWaiter *block = lock_queue(reference);
  if (!block) return;
  block->users -= count;
  const bool last = block->users == 0;
  set(reference, last ? ULONG_PTR{kActive} : word_of(block));
  while (last && block) {
    RundownWaiter *next = block->next;
    KeSetEvent(&block->done, IO_NO_INCREMENT, FALSE);  // the block is gone from here on
    block = next;
  }
}

void release(EX_RUNDOWN_REF &reference, ULONG_PTR count) {
  ULONG_PTR seen = load(reference);
  while (!(seen & kActive)) {
    if (exchange_if(reference, seen, seen - count * kUser)) return;
  }
  leave_rundown(reference, count);
}

void run_down(EX_RUNDOWN_REF &reference) {
  ULONG_PTR seen = 0;
  if (exchange_if(reference, seen, kActive)) return;
  RundownWaiter block;
  KeInitializeEvent(&block.done, SynchronizationEvent, FALSE);
  block.next = nullptr;
  for (;;) {
    if (seen & kActive) {
      RundownWaiter *first = lock_queue(reference);
      if (!first) return;
      block.next = first->next;
      first->next = &block;
      set(reference, word_of(first));
      break;
    }
    block.users = seen / kUser;
    if (exchange_if(reference, seen, seen ? word_of(&block) : ULONG_PTR{kActive})) {
      if (!seen) return;
      break;
    }
  }
  KeWaitForSingleObject(&block.done, WrRundown, KernelMode, FALSE, nullptr);
}

}  // namespace

VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExInitializeRundownProtection, RunRef);
  set(*RunRef, 0);
}

VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExReInitializeRundownProtection, RunRef);
  set(*RunRef, 0);
}

BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExAcquireRundownProtection, RunRef);
  return acquire(*RunRef, 1);
}

BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
  NT_ENTER(ExAcquireRundownProtectionEx, RunRef, Count);
  return acquire(*RunRef, Count);
}

VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExReleaseRundownProtection, RunRef);
  release(*RunRef, 1);
}

VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
  NT_ENTER(ExReleaseRundownProtectionEx, RunRef, Count);
  release(*RunRef, Count);
}

VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExWaitForRundownProtectionRelease, RunRef);
  run_down(*RunRef);
}

VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef) {
  NT_ENTER(ExRundownCompleted, RunRef);
  set(*RunRef, kActive);
}

SIZE_T ExSizeOfRundownProtectionCacheAware() {
  NT_ENTER(ExSizeOfRundownProtectionCacheAware);
  return sizeof(_EX_RUNDOWN_REF_CACHE_AWARE);
}

VOID ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, SIZE_T RunRefSize) {
  NT_ENTER(ExInitializeRundownProtectionCacheAware, RunRefCacheAware, RunRefSize);
  set(RunRefCacheAware->reference, 0);
  RunRefCacheAware->block = nullptr;
}

PEX_RUNDOWN_REF_CACHE_AWARE ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType, ULONG PoolTag) {
  NT_ENTER(ExAllocateCacheAwareRundownProtection, PoolType, PoolTag);
  constexpr ULONG_PTR kLine = sizeof(_EX_RUNDOWN_REF_CACHE_AWARE);
  PVOID block = ExAllocatePoolWithTag(PoolType, 2 * kLine, PoolTag);
  if (!block) return nullptr;
  const ULONG_PTR address = (reinterpret_cast<ULONG_PTR>(block) + kLine - 1) & ~(kLine - 1);
  auto *reference = reinterpret_cast<PEX_RUNDOWN_REF_CACHE_AWARE>(address);
  set(reference->reference, 0);
  reference->block = block;
  return reference;
}

VOID ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExFreeCacheAwareRundownProtection, RunRefCacheAware);
  ExFreePoolWithTag(RunRefCacheAware->block, 0);
}

BOOLEAN ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExAcquireRundownProtectionCacheAware, RunRefCacheAware);
  return acquire(RunRefCacheAware->reference, 1);
}

BOOLEAN ExAcquireRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, ULONG Count) {
  NT_ENTER(ExAcquireRundownProtectionCacheAwareEx, RunRefCacheAware, Count);
  return acquire(RunRefCacheAware->reference, Count);
}

VOID ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExReleaseRundownProtectionCacheAware, RunRefCacheAware);
  release(RunRefCacheAware->reference, 1);
}

VOID ExReleaseRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, ULONG Count) {
  NT_ENTER(ExReleaseRundownProtectionCacheAwareEx, RunRefCacheAware, Count);
  release(RunRefCacheAware->reference, Count);
}

VOID ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExWaitForRundownProtectionReleaseCacheAware, RunRefCacheAware);
  run_down(RunRefCacheAware->reference);
}

VOID ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExReInitializeRundownProtectionCacheAware, RunRefCacheAware);
  set(RunRefCacheAware->reference, 0);
}

VOID ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware) {
  NT_ENTER(ExRundownCompletedCacheAware, RunRefCacheAware);
  set(RunRefCacheAware->reference, kActive);
}
