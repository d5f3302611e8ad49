// Fast mutexes, and guarded mutexes, which are the same.
#include "ntemu/api/enter.h"
#include "ntemu/ke/blocking.h"
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

[[gnu::always_inline]] inline void contend(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  const ke::Wanting wanting(ke::current(), &mutex, kind, site);
  __atomic_fetch_add(&mutex.Contention, 1, __ATOMIC_RELAXED);
  LONG take = kFree;    // bits to clear when it is taken
  LONG join = kWaiter;  // what joining the waiters adds
  LONG seen = __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED);
  for (;;) {
    if (seen & kFree) {
      if (exchange_if(mutex.Count, seen, seen & ~take)) return;
    } else if (exchange_if(mutex.Count, seen, seen + join)) {
      KeWaitForSingleObject(&mutex.Event, kind == LockKind::kGuardedMutex ? WrGuardedMutex : WrFastMutex, KernelMode,
                            FALSE, nullptr);
      take = kFree | kWoken;
      join = kWaiter - kWoken;
      seen = __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED);
    }
  }
}

[[gnu::always_inline]] inline void own(FAST_MUTEX &mutex, ETHREAD &thread, LockKind kind, const void *site) {
  __atomic_store_n(&mutex.Owner, static_cast<PVOID>(&thread), __ATOMIC_RELAXED);
  thread.held.add(&mutex, kind, site);
  ke::note_progress(thread);
}

[[gnu::always_inline]] inline bool give_back(FAST_MUTEX &mutex) {
  __atomic_store_n(&mutex.Owner, nullptr, __ATOMIC_RELAXED);
  LONG seen = 0;
  return exchange_if(mutex.Count, seen, kFree);
}

// Somebody waits, and is woken unless another waker has done so.
__attribute__((noinline)) void give_back_contended(FAST_MUTEX &mutex) {
  LONG seen = __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED);
  for (;;) {
    const bool wakes = seen >= kWaiter && !(seen & kWoken);
    if (!exchange_if(mutex.Count, seen, (wakes ? seen - kWaiter + kWoken : seen) | kFree)) continue;
    if (wakes) KeSetEvent(&mutex.Event, IO_NO_INCREMENT, FALSE);
    return;
  }
}

// The fast path of acquire and release: a free mutex, from PASSIVE_LEVEL and back. It calls nothing, and it stores
// constants: an IRQL that goes through the mutex would make each acquire wait for the release before it.

// All that is not the fast path, in one function and by this name: so stacks of waiting threads show it.
__attribute__((noinline)) void ExpAcquireFastMutexContended(FAST_MUTEX &mutex, ETHREAD &thread, LockKind kind,
                                                            const void *site) {
  const KIRQL old_irql = thread.irql;
  if (old_irql < APC_LEVEL) thread.irql = APC_LEVEL;
  if (!try_take(mutex)) contend(mutex, kind, site);
  mutex.OldIrql = old_irql;
  own(mutex, thread, kind, site);
}

__attribute__((noinline)) void ExpAcquireFastMutexContended(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  contend(mutex, kind, site);
}

[[gnu::always_inline]] inline void acquire(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  LONG seen = kFree;
  if (thread.irql != PASSIVE_LEVEL || !exchange_if(mutex.Count, seen, 0)) [[unlikely]]
    return ExpAcquireFastMutexContended(mutex, thread, kind, site);
  thread.irql = APC_LEVEL;
  mutex.OldIrql = PASSIVE_LEVEL;
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

__attribute__((noinline)) void release_slowly(FAST_MUTEX &mutex, ETHREAD &thread, bool given_back, KIRQL old_irql) {
  thread.held.remove(&mutex);
  if (!given_back) give_back_contended(mutex);
  // The owner may have changed its IRQL in between.
  if (old_irql > thread.irql)
    KfRaiseIrql(old_irql);
  else if (old_irql < thread.irql || thread.apc_due.load(std::memory_order_relaxed))
    KeLowerIrql(old_irql);
}

[[gnu::always_inline]] inline void release(FAST_MUTEX &mutex) {
  ETHREAD &thread = ke::current();
  const ULONG old_irql = mutex.OldIrql;
  const bool given_back = give_back(mutex);
  if (!given_back || old_irql != PASSIVE_LEVEL || thread.irql != APC_LEVEL ||
      thread.apc_due.load(std::memory_order_relaxed)) [[unlikely]]
    return release_slowly(mutex, thread, given_back, static_cast<KIRQL>(old_irql));
  thread.irql = PASSIVE_LEVEL;
  thread.held.remove(&mutex);
}

[[gnu::always_inline]] inline void acquire_unsafe(FAST_MUTEX &mutex, LockKind kind, const void *site) {
  LONG seen = kFree;
  if (!exchange_if(mutex.Count, seen, 0) && !try_take(mutex)) [[unlikely]]
    ExpAcquireFastMutexContended(mutex, kind, site);
  own(mutex, ke::current(), kind, site);
}

[[gnu::always_inline]] inline void release_unsafe(FAST_MUTEX &mutex) {
  ke::current().held.remove(&mutex);
  if (!give_back(mutex)) give_back_contended(mutex);
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
  release_unsafe(*FastMutex);
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
  release_unsafe(*Mutex);
}
