// Push locks: 8 bytes. Free 0, exclusive 1, n readers n << 4 | 1; with waiters the newest waiter's block and the flags.
#include "ntemu/api/enter.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using ke::LockKind;

namespace {

enum : ULONG_PTR { kLocked = 1, kWaiting = 2, kWaking = 4, kMultipleShared = 8, kFlags = 15, kReader = 16 };

// Lives on the waiter's stack. The lock's word points to the first waiter while kWaiting is set; whoever holds kWaking
// may read and change the queue. Ownership is handed over, so a woken waiter owns the lock.
struct alignas(16) PushLockWaiter {
  KEVENT wake;
  ETHREAD *thread;
  PushLockWaiter *next;
  PushLockWaiter *last;  // of the first block: the queue's end
  ULONG_PTR readers;     // of the first block: how many share the lock now, 0 when it is held exclusively
  bool exclusive;
};

ULONG_PTR load(const EX_PUSH_LOCK &lock) { return __atomic_load_n(&lock, __ATOMIC_RELAXED); }

bool exchange_if(EX_PUSH_LOCK &lock, ULONG_PTR &seen, ULONG_PTR wanted) {
  return __atomic_compare_exchange_n(&lock, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

PushLockWaiter *first_of(ULONG_PTR value) { return reinterpret_cast<PushLockWaiter *>(value & ~kFlags); }

// The word for a held lock with the queue `first` (or none) and `readers` (0: exclusive).
ULONG_PTR held(PushLockWaiter *first, ULONG_PTR readers) {
  if (!first) return readers * kReader | kLocked;
  first->readers = readers;
  return reinterpret_cast<ULONG_PTR>(first) | kLocked | kWaiting | (readers > 1 ? ULONG_PTR{kMultipleShared} : 0);
}

// Takes kWaking of a lock that has waiters; the value without it, or one without kWaiting when there are none (any
// more).
ULONG_PTR lock_queue(EX_PUSH_LOCK &lock) {
  for (uint32_t round = 0;; ++round) {
    ULONG_PTR seen = load(lock);
    if (!(seen & kWaiting)) return seen;
    if (!(seen & kWaking) && exchange_if(lock, seen, seen | kWaking)) return seen;
    ke::spin(round);
  }
}

void set(EX_PUSH_LOCK &lock, ULONG_PTR value) { __atomic_store_n(&lock, value, __ATOMIC_RELEASE); }

void wait_for_grant(PushLockWaiter &block) {
  KeWaitForSingleObject(&block.wake, WrPushLock, KernelMode, FALSE, nullptr);
}

void join(EX_PUSH_LOCK &lock, bool exclusive, const void *site, const auto &try_acquire) {
  PushLockWaiter block;
  KeInitializeEvent(&block.wake, SynchronizationEvent, FALSE);
  block.thread = &ke::current();
  block.next = nullptr;
  block.exclusive = exclusive;
  const ke::Wanting wanting(*block.thread, &lock, exclusive ? LockKind::kPushLockExclusive : LockKind::kPushLockShared,
                            site);
  for (;;) {
    if (try_acquire()) return;
    ULONG_PTR seen = lock_queue(lock);
    if (seen & kWaiting) {
      PushLockWaiter *first = first_of(seen);
      first->last->next = &block;
      first->last = &block;
      set(lock, seen);
      return wait_for_grant(block);
    }
    if (!(seen & kLocked)) continue;
    block.last = &block;
    if (exchange_if(lock, seen, held(&block, seen / kReader))) return wait_for_grant(block);
  }
}

// The lock, whose queue the caller has locked, is free: it goes to the first waiter, and to the readers right behind
// it.
void grant(EX_PUSH_LOCK &lock, PushLockWaiter *first) {
  PushLockWaiter *rest = first->next;
  ULONG_PTR readers = 0;
  if (!first->exclusive) {
    for (readers = 1; rest && !rest->exclusive; ++readers) rest = rest->next;
  }
  if (rest) rest->last = first->last;
  for (PushLockWaiter *block = first; block != rest; block = block->next) ke::note_granted(*block->thread);
  set(lock, held(rest, readers));
  for (PushLockWaiter *block = first; block != rest;) {
    PushLockWaiter *next = block->next;
    KeSetEvent(&block->wake, IO_NO_INCREMENT, FALSE);  // the block is gone from here on
    block = next;
  }
}

[[gnu::always_inline]] inline bool try_exclusive(EX_PUSH_LOCK &lock) {
  ULONG_PTR seen = 0;
  return exchange_if(lock, seen, kLocked);
}

bool add_reader(EX_PUSH_LOCK &lock, ULONG_PTR seen) {
  while (!(seen & kWaiting) && seen != kLocked) {
    if (exchange_if(lock, seen, (seen + kReader) | kLocked)) return true;
  }
  return false;
}

// Named as what stacks show on Windows.
__attribute__((noinline)) void ExfAcquirePushLockExclusiveEx(EX_PUSH_LOCK &lock, const void *site) {
  join(lock, true, site, [&] { return try_exclusive(lock); });
}

__attribute__((noinline)) void ExfAcquirePushLockSharedEx(EX_PUSH_LOCK &lock, const void *site) {
  join(lock, false, site, [&] { return add_reader(lock, load(lock)); });
}

// A release by a thread that does not hold the lock in that way. KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE
[[noreturn]] void bad_release(EX_PUSH_LOCK &lock) {
  ke::bugcheck(0x162, reinterpret_cast<ULONG_PTR>(&ke::current()), reinterpret_cast<ULONG_PTR>(&lock), 0xFFFFFFFF, 0);
}

__attribute__((noinline)) void release_exclusive_contended(EX_PUSH_LOCK &lock) {
  for (;;) {
    ULONG_PTR seen = lock_queue(lock);
    if (seen & kWaiting) {
      PushLockWaiter *first = first_of(seen);
      if (first->readers == 0) return grant(lock, first);
      set(lock, seen);
      bad_release(lock);
    }
    if (seen != kLocked) bad_release(lock);
    if (exchange_if(lock, seen, 0)) return;
  }
}

__attribute__((noinline)) void release_shared_contended(EX_PUSH_LOCK &lock) {
  ULONG_PTR seen = load(lock);
  for (;;) {
    if (!(seen & kWaiting)) {
      if (seen < (kReader | kLocked)) bad_release(lock);
      const ULONG_PTR less = seen - kReader;
      if (exchange_if(lock, seen, less == kLocked ? 0 : less)) return;
      continue;
    }
    seen = lock_queue(lock);
    if (!(seen & kWaiting)) continue;
    PushLockWaiter *first = first_of(seen);
    if (first->readers == 1) return grant(lock, first);
    if (first->readers > 1) return set(lock, held(first, first->readers - 1));
    set(lock, seen);
    bad_release(lock);
  }
}

[[gnu::always_inline]] inline void release_exclusive(EX_PUSH_LOCK &lock) {
  if (!ke::current().held.remove(&lock, LockKind::kPushLockExclusive)) [[unlikely]]
    bad_release(lock);
  ULONG_PTR seen = kLocked;
  if (!exchange_if(lock, seen, 0)) [[unlikely]]
    release_exclusive_contended(lock);
}

[[gnu::always_inline]] inline void release_shared(EX_PUSH_LOCK &lock) {
  if (!ke::current().held.remove(&lock, LockKind::kPushLockShared)) [[unlikely]]
    bad_release(lock);
  ULONG_PTR seen = kReader | kLocked;
  if (!exchange_if(lock, seen, 0)) [[unlikely]]
    release_shared_contended(lock);
}

// Whether the holder, whoever it is, holds the lock exclusively.
bool held_exclusively(EX_PUSH_LOCK &lock) {
  const ULONG_PTR seen = lock_queue(lock);
  if (!(seen & kWaiting)) return seen == kLocked;
  const bool exclusive = first_of(seen)->readers == 0;
  set(lock, seen);
  return exclusive;
}

[[gnu::always_inline]] inline void note_acquired(EX_PUSH_LOCK &lock, LockKind kind, const void *site) {
  ETHREAD &thread = ke::current();
  thread.held.add(&lock, kind, site);
  ke::note_progress(thread);
}

}  // namespace

VOID ExInitializePushLock(PEX_PUSH_LOCK PushLock) {
  NT_ENTER(ExInitializePushLock, PushLock);
  *PushLock = 0;
}

VOID ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExAcquirePushLockExclusiveEx, PushLock, Flags);
  if (!try_exclusive(*PushLock)) [[unlikely]]
    ExfAcquirePushLockExclusiveEx(*PushLock, __builtin_return_address(0));
  note_acquired(*PushLock, LockKind::kPushLockExclusive, __builtin_return_address(0));
}

VOID ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExAcquirePushLockSharedEx, PushLock, Flags);
  ULONG_PTR seen = 0;
  if (!exchange_if(*PushLock, seen, kReader | kLocked)) [[unlikely]]
    ExfAcquirePushLockSharedEx(*PushLock, __builtin_return_address(0));
  note_acquired(*PushLock, LockKind::kPushLockShared, __builtin_return_address(0));
}

BOOLEAN ExTryAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExTryAcquirePushLockExclusiveEx, PushLock, Flags);
  if (!try_exclusive(*PushLock)) return FALSE;
  note_acquired(*PushLock, LockKind::kPushLockExclusive, __builtin_return_address(0));
  return TRUE;
}

BOOLEAN ExTryAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExTryAcquirePushLockSharedEx, PushLock, Flags);
  if (!add_reader(*PushLock, load(*PushLock))) return FALSE;
  note_acquired(*PushLock, LockKind::kPushLockShared, __builtin_return_address(0));
  return TRUE;
}

VOID ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExReleasePushLockExclusiveEx, PushLock, Flags);
  release_exclusive(*PushLock);
}

VOID ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExReleasePushLockSharedEx, PushLock, Flags);
  release_shared(*PushLock);
}

VOID ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExReleasePushLockEx, PushLock, Flags);
  const ke::HeldLock *known = ke::current().held.find(PushLock);
  if (known ? known->kind() == LockKind::kPushLockExclusive : held_exclusively(*PushLock)) {
    release_exclusive(*PushLock);
  } else {
    release_shared(*PushLock);
  }
}

BOOLEAN ExTryConvertPushLockSharedToExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags) {
  NT_ENTER(ExTryConvertPushLockSharedToExclusiveEx, PushLock, Flags);
  ULONG_PTR seen = kReader | kLocked;
  if (!exchange_if(*PushLock, seen, kLocked)) return FALSE;
  ke::current().held.change_kind(PushLock, LockKind::kPushLockExclusive);
  return TRUE;
}
