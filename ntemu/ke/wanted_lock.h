// The lock that a thread waits for: from these, and from the locks that threads hold, follows who waits for whom.
#pragma once

#include <atomic>

#include "ntemu/ke/held_locks.h"

namespace ntemu::ke {

// Written by its thread before it begins to wait. `lock` is null in a wait for a dispatcher object, which the wait
// blocks tell, and from the moment on at which the lock is granted.
struct WantedLock {
  std::atomic<const void *> lock;
  std::atomic<uint64_t> site_and_kind;  // as in HeldLock; of a wait for an object only the site
  std::atomic<uint32_t> number;         // another one for each wait
  std::atomic<bool> spins;              // it does not sleep, but spins
  bool counted;                         // in blocked_holders

  const void *site() const { return HeldLock{nullptr, site_and_kind.load()}.site(); }
  LockKind kind() const { return HeldLock{nullptr, site_and_kind.load()}.kind(); }
};

}  // namespace ntemu::ke
