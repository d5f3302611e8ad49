// Executive spin locks: many readers or one writer, at DISPATCH_LEVEL.
#include "ntemu/api/enter.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using ke::LockKind;

namespace {

// The lowest 31 bits count the readers. kExclusive keeps new readers out: its setter owns the lock as soon as those
// that were there are gone, so readers cannot starve a writer.
constexpr LONG kExclusive = MINLONG;

LONG load(const EX_SPIN_LOCK &lock) { return __atomic_load_n(&lock, __ATOMIC_RELAXED); }

bool exchange_if(EX_SPIN_LOCK &lock, LONG seen, LONG wanted) {
  return __atomic_compare_exchange_n(&lock, &seen, wanted, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

__attribute__((noinline)) void spin_exclusive(EX_SPIN_LOCK &lock, const void *site) {
  ke::SpinWait wait(ke::current(), &lock, LockKind::kSpinLock, site);
  while (__atomic_fetch_or(&lock, kExclusive, __ATOMIC_ACQUIRE) & kExclusive) {
    while (load(lock) & kExclusive) wait.round();
  }
  while (__atomic_load_n(&lock, __ATOMIC_ACQUIRE) != kExclusive) wait.round();
}

bool try_shared(EX_SPIN_LOCK &lock) {
  for (;;) {
    const LONG seen = load(lock);
    if (seen & kExclusive) return false;
    if (exchange_if(lock, seen, seen + 1)) return true;
  }
}

__attribute__((noinline)) void spin_shared(EX_SPIN_LOCK &lock, const void *site) {
  for (ke::SpinWait wait(ke::current(), &lock, LockKind::kSpinLockShared, site); !try_shared(lock);) wait.round();
}

void note_acquired(EX_SPIN_LOCK &lock, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  thread.held.add(const_cast<LONG *>(&lock), kind, site);
  ke::note_progress(thread);
}

void acquire_exclusive(EX_SPIN_LOCK &lock, const void *site) {
  if (!exchange_if(lock, 0, kExclusive)) spin_exclusive(lock, site);
  note_acquired(lock, LockKind::kSpinLock, site);
}

void acquire_shared(EX_SPIN_LOCK &lock, const void *site) {
  if (!try_shared(lock)) spin_shared(lock, site);
  note_acquired(lock, LockKind::kSpinLockShared, site);
}

// Nobody else changes the word of a lock that is held exclusively: a plain store will do.
void release_exclusive(EX_SPIN_LOCK &lock) {
  ke::current().held.remove(const_cast<LONG *>(&lock));
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void release_shared(EX_SPIN_LOCK &lock) {
  ke::current().held.remove(const_cast<LONG *>(&lock));
  __atomic_fetch_sub(&lock, 1, __ATOMIC_RELEASE);
}

}  // namespace

KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExAcquireSpinLockExclusive, SpinLock);
  const KIRQL old_irql = KeRaiseIrqlToDpcLevel();
  acquire_exclusive(*SpinLock, __builtin_return_address(0));
  return old_irql;
}

KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExAcquireSpinLockShared, SpinLock);
  const KIRQL old_irql = KeRaiseIrqlToDpcLevel();
  acquire_shared(*SpinLock, __builtin_return_address(0));
  return old_irql;
}

VOID ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExAcquireSpinLockExclusiveAtDpcLevel, SpinLock);
  acquire_exclusive(*SpinLock, __builtin_return_address(0));
}

VOID ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExAcquireSpinLockSharedAtDpcLevel, SpinLock);
  acquire_shared(*SpinLock, __builtin_return_address(0));
}

LOGICAL ExTryAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExTryAcquireSpinLockExclusiveAtDpcLevel, SpinLock);
  if (!exchange_if(*SpinLock, 0, kExclusive)) return FALSE;
  note_acquired(*SpinLock, LockKind::kSpinLock, __builtin_return_address(0));
  return TRUE;
}

LOGICAL ExTryAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExTryAcquireSpinLockSharedAtDpcLevel, SpinLock);
  if (!try_shared(*SpinLock)) return FALSE;
  note_acquired(*SpinLock, LockKind::kSpinLockShared, __builtin_return_address(0));
  return TRUE;
}

VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
  NT_ENTER(ExReleaseSpinLockExclusive, SpinLock, OldIrql);
  release_exclusive(*SpinLock);
  KeLowerIrql(OldIrql);
}

VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
  NT_ENTER(ExReleaseSpinLockShared, SpinLock, OldIrql);
  release_shared(*SpinLock);
  KeLowerIrql(OldIrql);
}

VOID ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExReleaseSpinLockExclusiveFromDpcLevel, SpinLock);
  release_exclusive(*SpinLock);
}

VOID ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExReleaseSpinLockSharedFromDpcLevel, SpinLock);
  release_shared(*SpinLock);
}

LOGICAL ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
  NT_ENTER(ExTryConvertSharedSpinLockExclusive, SpinLock);
  if (!exchange_if(*SpinLock, 1, kExclusive)) return FALSE;
  ke::current().held.change_kind(const_cast<LONG *>(SpinLock), LockKind::kSpinLock);
  return TRUE;
}
