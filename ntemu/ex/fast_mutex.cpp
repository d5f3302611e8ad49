// Fast mutexes, and guarded mutexes, which are the same.
#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using ke::LockKind;

namespace {

// Bits of FAST_MUTEX.Count. Free: kFree. Each waiter adds kWaiter; the waker of one trades its kWaiter for kWoken.
enum : LONG { kFree = FM_LOCK_BIT, kWoken = FM_LOCK_WAITER_WOKEN, kWaiter = FM_LOCK_WAITER_INC };

bool exchange_if(LONG &count, LONG &seen, LONG wanted) {
  return __atomic_compare_exchange_n(&count, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool try_take(FAST_MUTEX &mutex) {
  LONG seen = __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED);
  while (seen & kFree) {
    if (exchange_if(mutex.Count, seen, seen & ~kFree)) return true;
  }
  return false;
}

__attribute__((noinline)) void ExpAcquireFastMutexContended(PFAST_MUTEX FastMutex, LockKind Kind) {
  if (try_take(*FastMutex)) return;
  __atomic_fetch_add(&FastMutex->Contention, 1, __ATOMIC_RELAXED);
  LONG take = kFree;    // bits to clear when it is taken
  LONG join = kWaiter;  // what joining the waiters adds
  LONG seen = __atomic_load_n(&FastMutex->Count, __ATOMIC_RELAXED);
  for (;;) {
    if (seen & kFree) {
      if (exchange_if(FastMutex->Count, seen, seen & ~take)) return;
    } else if (exchange_if(FastMutex->Count, seen, seen + join)) {
      KeWaitForSingleObject(&FastMutex->Event, Kind == LockKind::kGuardedMutex ? WrGuardedMutex : WrFastMutex,
                            KernelMode, FALSE, nullptr);
      take = kFree | kWoken;
      join = kWaiter - kWoken;
      seen = __atomic_load_n(&FastMutex->Count, __ATOMIC_RELAXED);
    }
  }
}

__attribute__((noinline)) void release_contended(FAST_MUTEX &mutex, LONG seen) {
  for (;;) {
    const bool wakes = seen >= kWaiter && !(seen & kWoken);
    if (!exchange_if(mutex.Count, seen, (wakes ? seen - kWaiter + kWoken : seen) | kFree)) continue;
    if (wakes) KeSetEvent(&mutex.Event, IO_NO_INCREMENT, FALSE);
    return;
  }
}

// The four below are inlined into each API, so that none calls anything as long as nobody has to wait.

[[gnu::always_inline]] inline void take(FAST_MUTEX &mutex, LockKind kind) {
  LONG seen = kFree;
  if (!exchange_if(mutex.Count, seen, 0)) [[unlikely]]
    ExpAcquireFastMutexContended(&mutex, kind);
}

[[gnu::always_inline]] inline void own(FAST_MUTEX &mutex, ETHREAD &thread, LockKind kind, const void *site) {
  __atomic_store_n(&mutex.Owner, static_cast<PVOID>(&thread), __ATOMIC_RELAXED);
  thread.held.add(&mutex, kind, site);
  ke::note_progress(thread);
}

[[gnu::always_inline]] inline void give_back(FAST_MUTEX &mutex, ETHREAD &thread) {
  thread.held.remove(&mutex);
  __atomic_store_n(&mutex.Owner, nullptr, __ATOMIC_RELAXED);
  LONG seen = 0;
  if (!exchange_if(mutex.Count, seen, kFree)) [[unlikely]]
    release_contended(mutex, seen);
}

// The owner has changed its IRQL in between, or is to take an APC.
__attribute__((noinline)) void restore_irql(ETHREAD &thread, KIRQL old_irql) {
  if (old_irql > thread.irql)
    KfRaiseIrql(old_irql);
  else
    KeLowerIrql(old_irql);
}

// From APC_LEVEL there is nothing to do but a store, unless an APC waits for it.
[[gnu::always_inline]] inline void lower(ETHREAD &thread, KIRQL old_irql) {
  if (thread.irql == APC_LEVEL && !thread.apc_due.load(std::memory_order_relaxed)) [[likely]]
    thread.irql = old_irql;
  else
    restore_irql(thread, old_irql);
}

[[gnu::always_inline]] inline void acquire(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  const KIRQL old_irql = thread.irql;
  if (old_irql < APC_LEVEL) thread.irql = APC_LEVEL;
  take(mutex, kind);
  mutex.OldIrql = old_irql;
  own(mutex, thread, kind, site);
}

[[gnu::always_inline]] inline BOOLEAN try_acquire(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  if (!try_take(mutex)) return FALSE;
  const KIRQL old_irql = thread.irql;
  if (old_irql < APC_LEVEL) thread.irql = APC_LEVEL;
  mutex.OldIrql = old_irql;
  own(mutex, thread, kind, site);
  return TRUE;
}

[[gnu::always_inline]] inline void release(FAST_MUTEX &mutex) {
  ETHREAD &thread = ke::current();
  const auto old_irql = static_cast<KIRQL>(mutex.OldIrql);
  give_back(mutex, thread);
  lower(thread, old_irql);
}

[[gnu::always_inline]] inline void acquire_unsafe(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  take(mutex, kind);
  own(mutex, thread, kind, site);
}

void initialize(FAST_MUTEX &mutex) {
  mutex.Count = kFree;
  mutex.Owner = nullptr;
  mutex.Contention = 0;
  KeInitializeEvent(&mutex.Event, SynchronizationEvent, FALSE);
}

}  // namespace

VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExInitializeFastMutex, FastMutex);
  initialize(*FastMutex);
}

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExAcquireFastMutex, FastMutex);
  acquire(*FastMutex, LockKind::kFastMutex, __builtin_return_address(0));
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExTryToAcquireFastMutex, FastMutex);
  return try_acquire(*FastMutex, LockKind::kFastMutex, __builtin_return_address(0));
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExReleaseFastMutex, FastMutex);
  release(*FastMutex);
}

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExAcquireFastMutexUnsafe, FastMutex);
  acquire_unsafe(*FastMutex, LockKind::kFastMutex, __builtin_return_address(0));
}

VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExReleaseFastMutexUnsafe, FastMutex);
  give_back(*FastMutex, ke::current());
}

VOID KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeInitializeGuardedMutex, Mutex);
  initialize(*Mutex);
}

VOID KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeAcquireGuardedMutex, Mutex);
  acquire(*Mutex, LockKind::kGuardedMutex, __builtin_return_address(0));
}

BOOLEAN KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeTryToAcquireGuardedMutex, Mutex);
  return try_acquire(*Mutex, LockKind::kGuardedMutex, __builtin_return_address(0));
}

VOID KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeReleaseGuardedMutex, Mutex);
  release(*Mutex);
}

VOID KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeAcquireGuardedMutexUnsafe, Mutex);
  acquire_unsafe(*Mutex, LockKind::kGuardedMutex, __builtin_return_address(0));
}

VOID KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) {
  NT_ENTER(KeReleaseGuardedMutexUnsafe, Mutex);
  give_back(*Mutex, ke::current());
}
