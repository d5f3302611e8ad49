// Spin locks: a word that is 0 when free, the owner's ETHREAD | 1 when held; taken as a queued lock, the address of the
// last queue entry (4-aligned at least, so bit 0 tells them apart).
#include "ntemu/ke/spin_lock.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

constexpr ULONG_PTR kOwned = 1;
// KSPIN_LOCK_QUEUE.Lock: the lock, and while its thread has to wait, this.
constexpr ULONG_PTR kWaits = 2;

ULONG_PTR owned_by(const ETHREAD &thread) { return reinterpret_cast<ULONG_PTR>(&thread) | kOwned; }

inline bool try_lock(ETHREAD &thread, PKSPIN_LOCK word) {
  KSPIN_LOCK free = 0;
  return __atomic_compare_exchange_n(word, &free, owned_by(thread), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

__attribute__((noinline)) void lock_contended(ETHREAD &thread, PKSPIN_LOCK word, const void *site) {
  for (SpinWait wait(thread, word, LockKind::kSpinLock, site);; wait.round()) {
    if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 && try_lock(thread, word)) return;
  }
}

inline void lock(ETHREAD &thread, PKSPIN_LOCK word, const void *site) {
  if (!try_lock(thread, word)) [[unlikely]]
    lock_contended(thread, word, site);
  thread.held.add(word, LockKind::kSpinLock, site);
  note_progress(thread);
}

// SPIN_LOCK_NOT_OWNED
[[noreturn]] __attribute__((noinline)) void not_owned(const KSPIN_LOCK *lock) {
  bugcheck(0x10, reinterpret_cast<ULONG_PTR>(lock), *lock);
}

inline void unlock(ETHREAD &thread, PKSPIN_LOCK word) {
  if (__atomic_load_n(word, __ATOMIC_RELAXED) != owned_by(thread)) [[unlikely]]
    not_owned(word);
  thread.held.remove(word);
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

inline KIRQL raise_to_dispatch(ETHREAD &thread) {
  return thread.irql < DISPATCH_LEVEL ? raise_irql(thread, DISPATCH_LEVEL) : thread.irql;
}

// The way of an acquire and a release that nothing stands in the way of is without calls, and without what has to be
// kept across one; every other way out of it is a call in the last place.
__attribute__((noinline)) KIRQL acquire_slowly(PKSPIN_LOCK word, const void *site) {
  ETHREAD &thread = current();
  const KIRQL old = raise_to_dispatch(thread);
  lock(thread, word, site);
  return old;
}

__attribute__((noinline)) KIRQL acquire_contended(PKSPIN_LOCK word, const void *site, KIRQL old) {
  ETHREAD &thread = current();
  thread.irql = DISPATCH_LEVEL;
  lock(thread, word, site);
  return old;
}

__attribute__((noinline)) KIRQL acquire_first(KIRQL old) {
  end_start(current());
  return old;
}

inline KIRQL acquire(PKSPIN_LOCK word, const void *site) {
  ETHREAD *thread = base::current_thread_slot;
  if (!thread) [[unlikely]]
    return acquire_slowly(word, site);
  const KIRQL old = thread->irql;
  if (old >= DISPATCH_LEVEL || !try_take_biased(*thread)) [[unlikely]]
    return acquire_slowly(word, site);
  if (!try_lock(*thread, word)) [[unlikely]]
    return acquire_contended(word, site, old);
  thread->irql = DISPATCH_LEVEL;  // after the locked instruction, which waits for the stores before it
  thread->held.add(word, LockKind::kSpinLock, site);
  if (thread->starting.load(std::memory_order_relaxed)) [[unlikely]]
    return acquire_first(old);
  return old;
}

__attribute__((noinline)) void release_slowly(PKSPIN_LOCK word, KIRQL irql) {
  ETHREAD &thread = current();
  unlock(thread, word);
  lower_irql(thread, irql);
}

__attribute__((noinline)) void lower_slowly(ETHREAD &thread, KIRQL irql) {
  give_slowly(thread);
  thread.irql = irql;
  lower_irql(thread, irql);
}

inline void release(PKSPIN_LOCK word, KIRQL irql) {
  ETHREAD *thread = base::current_thread_slot;
  if (!thread || thread->irql != DISPATCH_LEVEL || irql >= DISPATCH_LEVEL ||
      __atomic_load_n(word, __ATOMIC_RELAXED) != owned_by(*thread) || !thread->held.remove_if_only(word)) [[unlikely]] {
    return release_slowly(word, irql);
  }
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
  if (!try_give_biased(*thread)) [[unlikely]]
    return lower_slowly(*thread, irql);
  thread->irql = irql;
  if (thread->apc_due.load(std::memory_order_relaxed) && irql < APC_LEVEL) [[unlikely]]
    return deliver_apcs(*thread);
}

// NT_ENTER for the two calls that drivers make most: what has to be kept across it would cost them registers.
[[gnu::noinline, gnu::cold]] KIRQL acquire_hooked(PKSPIN_LOCK word, const void *caller) {
  using Enter = api::Signature<&KeAcquireSpinLockRaiseToDpc>;
  if (auto early = Enter::enter(api::Id::KeAcquireSpinLockRaiseToDpc, caller, word)) return early.value();
  return acquire_slowly(word, caller);
}

[[gnu::noinline, gnu::cold]] void release_hooked(PKSPIN_LOCK word, KIRQL irql, const void *caller) {
  using Enter = api::Signature<&KeReleaseSpinLock>;
  if (auto early = Enter::enter(api::Id::KeReleaseSpinLock, caller, word, irql)) return early.value();
  release_slowly(word, irql);
}

ULONG_PTR load(PKSPIN_LOCK volatile *field) {
  return __atomic_load_n(reinterpret_cast<ULONG_PTR *>(const_cast<PKSPIN_LOCK *>(field)), __ATOMIC_ACQUIRE);
}
void store(PKSPIN_LOCK volatile *field, ULONG_PTR value) {
  __atomic_store_n(reinterpret_cast<ULONG_PTR *>(const_cast<PKSPIN_LOCK *>(field)), value, __ATOMIC_RELEASE);
}

inline void lock_queued(ETHREAD &thread, PKSPIN_LOCK word, KLOCK_QUEUE_HANDLE &handle, const void *site) {
  KSPIN_LOCK_QUEUE &entry = handle.LockQueue;
  const auto address = reinterpret_cast<ULONG_PTR>(word);
  __atomic_store_n(&entry.Next, nullptr, __ATOMIC_RELAXED);
  store(&entry.Lock, address | kWaits);
  ULONG_PTR last = __atomic_load_n(word, __ATOMIC_RELAXED);
  SpinWait wait(thread, word, LockKind::kSpinLock, site);
  for (;;) {
    if (last & kOwned) [[unlikely]] {  // in the ordinary way
      wait.round();
      last = __atomic_load_n(word, __ATOMIC_RELAXED);
    } else if (__atomic_compare_exchange_n(word, &last, reinterpret_cast<ULONG_PTR>(&entry), false, __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED)) {
      break;
    }
  }
  if (last != 0) {
    __atomic_store_n(&reinterpret_cast<KSPIN_LOCK_QUEUE *>(last)->Next, &entry, __ATOMIC_RELEASE);
    while (load(&entry.Lock) & kWaits) wait.round();
  } else {
    store(&entry.Lock, address);
  }
  thread.held.add(word, LockKind::kSpinLock, site);
  note_progress(thread);
}

inline void unlock_queued(ETHREAD &thread, KLOCK_QUEUE_HANDLE &handle) {
  KSPIN_LOCK_QUEUE &entry = handle.LockQueue;
  const ULONG_PTR address = load(&entry.Lock);
  auto *lock = reinterpret_cast<PKSPIN_LOCK>(address);
  if (!lock || address & kWaits || __atomic_load_n(lock, __ATOMIC_RELAXED) == 0) [[unlikely]]
    bugcheck(0x10, address & ~kWaits, reinterpret_cast<ULONG_PTR>(&handle));
  thread.held.remove(lock);
  store(&entry.Lock, 0);
  auto last = reinterpret_cast<ULONG_PTR>(&entry);
  if (__atomic_load_n(&entry.Next, __ATOMIC_ACQUIRE) == nullptr &&
      __atomic_compare_exchange_n(lock, &last, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    return;
  }
  KSPIN_LOCK_QUEUE *next;
  for (uint32_t round = 0; !(next = __atomic_load_n(&entry.Next, __ATOMIC_ACQUIRE)); ++round) spin(round);
  store(&next->Lock, address);  // its thread goes on: its entry may be gone
}

}  // namespace

void ntemu::ke::lock_spin_lock(ETHREAD &thread, PKSPIN_LOCK word, const void *site) { lock(thread, word, site); }
void ntemu::ke::unlock_spin_lock(ETHREAD &thread, PKSPIN_LOCK word) { unlock(thread, word); }

VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeInitializeSpinLock, SpinLock);
  __atomic_store_n(SpinLock, 0, __ATOMIC_RELAXED);
}

KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) {
  if (api::hooked()) [[unlikely]]
    return acquire_hooked(SpinLock, __builtin_return_address(0));
  return acquire(SpinLock, __builtin_return_address(0));
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) {
  if (api::hooked()) [[unlikely]]
    return release_hooked(SpinLock, NewIrql, __builtin_return_address(0));
  release(SpinLock, NewIrql);
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeAcquireSpinLockAtDpcLevel, SpinLock);
  lock(current(), SpinLock, __builtin_return_address(0));
}

VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeReleaseSpinLockFromDpcLevel, SpinLock);
  unlock(current(), SpinLock);
}

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeTryToAcquireSpinLockAtDpcLevel, SpinLock);
  ETHREAD &thread = current();
  if (!try_lock(thread, SpinLock)) return FALSE;
  thread.held.add(SpinLock, LockKind::kSpinLock, __builtin_return_address(0));
  note_progress(thread);
  return TRUE;
}

BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeTestSpinLock, SpinLock);
  if (__atomic_load_n(SpinLock, __ATOMIC_RELAXED) == 0) return TRUE;
  spin(0);
  return FALSE;
}

KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock) {
  NT_ENTER(KeAcquireSpinLockForDpc, SpinLock);
  return acquire(SpinLock, __builtin_return_address(0));
}

VOID KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql) {
  NT_ENTER(KeReleaseSpinLockForDpc, SpinLock, OldIrql);
  release(SpinLock, OldIrql);
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeAcquireInStackQueuedSpinLock, SpinLock, LockHandle);
  ETHREAD &thread = current();
  LockHandle->OldIrql = raise_to_dispatch(thread);
  lock_queued(thread, SpinLock, *LockHandle, __builtin_return_address(0));
}

VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeReleaseInStackQueuedSpinLock, LockHandle);
  ETHREAD &thread = current();
  unlock_queued(thread, *LockHandle);
  lower_irql(thread, LockHandle->OldIrql);
}

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeAcquireInStackQueuedSpinLockAtDpcLevel, SpinLock, LockHandle);
  lock_queued(current(), SpinLock, *LockHandle, __builtin_return_address(0));
}

VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeReleaseInStackQueuedSpinLockFromDpcLevel, LockHandle);
  unlock_queued(current(), *LockHandle);
}

VOID KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeAcquireInStackQueuedSpinLockForDpc, SpinLock, LockHandle);
  ETHREAD &thread = current();
  LockHandle->OldIrql = raise_to_dispatch(thread);
  lock_queued(thread, SpinLock, *LockHandle, __builtin_return_address(0));
}

VOID KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle) {
  NT_ENTER(KeReleaseInStackQueuedSpinLockForDpc, LockHandle);
  ETHREAD &thread = current();
  unlock_queued(thread, *LockHandle);
  lower_irql(thread, LockHandle->OldIrql);
}
