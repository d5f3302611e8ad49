// What a call of the kernel's API does to a lock.
#pragma once

#include <span>

#include "ntemu/api/enter.h"
#include "ntemu/ke/held_locks.h"

namespace ntemu::vf {

struct LockCall {
  enum Action : uint8_t { kInitialize, kAcquire, kTry, kRelease, kDelete, kFree } action;
  ke::LockKind kind;
  int argument = 0;        // which one is the lock, or the memory that is freed
  bool at_dpc = false;     // leaves the IRQL as it is
  bool handle = false;     // the argument is the KLOCK_QUEUE_HANDLE of an in-stack queued spin lock
  bool unsafe = false;     // ... of a fast mutex, without its IRQL
  int wait_argument = -1;  // 0 there: does not wait
};

// nullptr: nothing.
const LockCall *find_lock_call(api::Id id);
// All that do something, waits for dispatcher objects and calls about events among them.
std::span<const api::Id> lock_calls();

// As the verifier calls it: "FastMutex".
const char *type_name(ke::LockKind kind);

}  // namespace ntemu::vf
