// What the inspection commands know of threads and locks, from public structures at public offsets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ntemu/ke/held_locks.h"
#include "tools/kd/session.h"

namespace ntemu::debug {

namespace offsets {
// KTHREAD
inline constexpr uint64_t kPriority = 0xc3, kWaitBlockList = 0xd0, kWaitTime = 0x1b4, kApcDisable = 0x1e4,
                          kBasePriority = 0x233, kKernelTime = 0x28c, kUserTime = 0x2dc, kMutantListHead = 0x308,
                          kStartAddress = 0x4a0;
// KWAIT_BLOCK
inline constexpr uint64_t kBlockThread = 0x18, kBlockObject = 0x20, kBlockSize = 0x30;
// DISPATCHER_HEADER
inline constexpr uint64_t kSignalState = 4, kWaitListHead = 8, kHeaderSize = 0x18;
inline constexpr uint64_t kMutantOwner = 0x28, kSemaphoreLimit = 0x18, kMutexOwner = 8, kMutexEvent = 0x18;
// ERESOURCE
inline constexpr uint64_t kOwnerTable = 0x10, kActiveCount = 0x18, kResourceFlag = 0x1a, kSharedWaiters = 0x20,
                          kExclusiveWaiters = 0x28, kOwnerEntry = 0x30, kActiveEntries = 0x40, kContention = 0x44,
                          kSharedWaiterCount = 0x48, kExclusiveWaiterCount = 0x4c;
inline constexpr uint16_t kOwnedExclusive = 0x80;
}  // namespace offsets

// KTHREAD_STATE
inline constexpr uint8_t kStateReady = 1, kStateRunning = 2, kStateTerminated = 4, kStateWaiting = 5;

// KWAIT_REASON
enum WaitReason : uint8_t {
  kReasonExecutive = 0,
  kReasonDelayExecution = 4,
  kReasonResource = 27,
  kReasonPushLock = 28,
  kReasonFastMutex = 34,
  kReasonGuardedMutex = 35
};

using ke::LockKind;
const char *lock_kind_name(LockKind kind);

struct LockUse {
  Address thread = 0, lock = 0, site = 0;
  LockKind kind = LockKind::kMutex;
};

struct WaitBlock {
  Address address = 0, object = 0;
};

// A dispatcher object that somebody may wait for.
struct Waitable {
  Address address = 0;
  uint8_t type = 0;
  std::string name;  // "Mutant"
  std::optional<int32_t> signal_state;
};

struct Usage {
  int64_t user = 0, kernel = 0;  // 100 ns
};

// A thread that has been unwound, down to where the host's own frames begin.
struct CallSite {
  const Frame *frame;
  std::string function;  // "nt!KiSwapContext+0x76"
  std::optional<SourceLine> line;
  Address return_address;  // 0 in the last one
};
struct Calls {
  Stack stack;
  std::vector<CallSite> sites;
};

class Facts {
 public:
  explicit Facts(Session &session) : session_(session) {}

  Session &session() { return session_; }
  Memory &memory() { return session_.memory(); }
  const std::vector<Thread> &threads() { return session_.target().threads().found; }
  const Thread *find(Address thread);
  // The thread's process by name: "System".
  std::string process_name(Address thread);

  // How long the machine has run; nothing where nobody knows.
  std::optional<int64_t> uptime();
  // How long it has waited; 0 for one that does not.
  int64_t waited(const Thread &thread);
  // Until the wait's time limit; nothing where there is none.
  std::optional<int64_t> remaining(const Thread &thread);
  Usage usage(const Thread &thread);

  std::vector<WaitBlock> wait_blocks(const Thread &thread);
  Waitable waitable(Address object);
  // Threads with a block in the object's list of waiters.
  Walk<Address> waiters(Address object);
  std::vector<LockUse> held_locks(Address thread);
  // The lock that the thread waits for, unless that is a dispatcher object.
  std::optional<LockUse> wanted_lock(Address thread);
  // Who is known to hold it; read once.
  std::vector<LockUse> holders(Address lock);

  Calls calls(const Thread &thread);
  Calls calls(Stack stack);
  // The first function that is not one of those that waits are made of.
  std::string wait_function(const Thread &thread);
  // "Owning Thread: ffff...", or what it waits for.
  std::string waiting_on(const Thread &thread);
  // The owner of the mutex, fast mutex, push lock or resource that the thread waits for; 0: none or unknown.
  Address blocking_owner(const Thread &thread);

 private:
  std::optional<int64_t> tail64(Address thread, uint32_t offset);

  Session &session_;
  std::optional<std::optional<int64_t>> uptime_;
  std::optional<std::unordered_multimap<Address, LockUse>> holders_;
};

// "kernel" names of a state and a reason as commands take them, regardless of case.
std::optional<uint8_t> wait_reason_number(std::string_view name);

}  // namespace ntemu::debug
