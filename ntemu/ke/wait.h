// The one wait engine: every call that blocks ends in KiSwapContext, every wake goes through WakeList.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// Low byte of ETHREAD.wait_word; the rest counts kicks (base/clock.h).
enum WaitWord : uint32_t { kAwake = 0, kAsleep = 1, kClaimed = 2, kDelivered = 3 };

// KWAIT_BLOCK.BlockState
enum BlockState : UCHAR { kBlockActive = 4, kBlockInactive = 5 };

// Interrupt time at which a wait ends: `timeout` NULL forever, negative relative, positive since 1601. 0 polls.
base::Nt100ns deadline_from(const LARGE_INTEGER *timeout);

// Threads that a signal released, to be woken once the object's lock is dropped.
class WakeList {
 public:
  ~WakeList() { deliver(); }
  WakeList() = default;
  WakeList(const WakeList &) = delete;
  WakeList &operator=(const WakeList &) = delete;
  // Takes `thread` out of its wait with `status`, unless it leaves by itself just now. The header lock is held.
  bool claim(KWAIT_BLOCK &block);
  void add(KWAIT_BLOCK &block, LONG_PTR status);
  void deliver();

 private:
  KWAIT_BLOCK *first_ = nullptr;
  KWAIT_BLOCK **last_ = &first_;
};

// Releases as many waiters of a signaled object, in FIFO order, as its state allows. The header lock is held.
void release_waiters(DISPATCHER_HEADER &header, WakeList &wakes);

// What a satisfied wait does to the object: consumes a signal, takes a mutant. STATUS_SUCCESS or STATUS_ABANDONED.
NTSTATUS satisfy(DISPATCHER_HEADER &header, KTHREAD &thread);
bool is_signaled_for(const DISPATCHER_HEADER &header, const KTHREAD &thread);

// In a wait that nobody has ended yet.
inline bool is_asleep(const ETHREAD &thread) {
  return state_of(thread.Tcb) == kWaiting && (thread.wait_word.load() & 0xff) == kAsleep;
}

// A new thread has done something that others can see: its creator may go on. Cheap when there is nothing to tell.
void end_start(ETHREAD &thread);
inline void note_progress(ETHREAD &thread) {
  if (thread.starting.load(std::memory_order_relaxed)) [[unlikely]]
    end_start(thread);
}

// Counts the moments at which the machine may have come to rest: a thread blocked or ended.
extern std::atomic<uint32_t> rest_count;
extern std::atomic<int> rest_watchers;
void note_rest();

// Takes every NT thread that waits out of its wait, for the machine's end. Threads then leave through `leave`.
void kick(ETHREAD &thread);
extern std::atomic<bool> leaving;
// The same for one thread of the host, now and from now on: its waits for a driver's answer end with
// STATUS_SYSTEM_SHUTDOWN.
void recall(ETHREAD &thread);
[[noreturn]] void leave(ETHREAD &thread);

}  // namespace ntemu::ke

extern "C" {
NTSTATUS KiCommitThreadWait(PKTHREAD Thread, ntemu::base::Nt100ns Deadline);
// Saves the callee-saved registers below the frame whose address it stores in *KernelStack, then waits on the futex.
void KiSwapContext(PVOID volatile *KernelStack, std::atomic<uint32_t> *Word, uint32_t Expected, const timespec *Limit);
}
