// The one wait engine: every call that blocks ends in KiSwapContext, every wake goes through WakeList.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// Low byte of ETHREAD.wait_word; the rest counts kicks (base/clock.h).
enum WaitWord : uint32_t { kAwake = 0, kAsleep = 1, kClaimed = 2, kDelivered = 3 };

// KWAIT_BLOCK.BlockState
enum BlockState : UCHAR { kBlockActive = 4, kBlockInactive = 5 };

// Ends a wait whose thread has to run a kernel APC first; no caller of a wait sees it.
inline constexpr NTSTATUS kKernelApc = 0x100;

// When a wait ends: `timeout` NULL never, negative relative, positive since 1601. 0 polls.
base::Deadline deadline_from(const LARGE_INTEGER *timeout);

// What a satisfied wait does to the frozen object: consumes a signal, takes a mutant. STATUS_SUCCESS or
// STATUS_ABANDONED.
NTSTATUS satisfy(DISPATCHER_HEADER &frozen, KTHREAD &thread);
bool is_signaled_for(const DISPATCHER_HEADER &header, const KTHREAD &thread);

// In a wait that nobody has ended yet. For others than the holder of the dispatcher lock it may change any moment.
inline bool is_asleep_locked(const ETHREAD &thread) { return (thread.wait_word.load() & 0xff) == kAsleep; }
inline bool is_asleep(const ETHREAD &thread) { return state_of(thread.Tcb) == kWaiting && is_asleep_locked(thread); }
// When the wait of a thread that sleeps ends; it may be changing.
inline base::Deadline deadline_of(const ETHREAD &thread) {
  return {thread.wait_deadline.load(), thread.wait_deadline_absolute.load()};
}
// With the dispatcher lock held: takes the thread's wait blocks off their objects, which are thawed but for `frozen`.
void unlink_waits(ETHREAD &thread, const DISPATCHER_HEADER *frozen = nullptr);

// A wait to come, for KiCommitThreadWait.
struct WaitKind {
  UCHAR type;    // WAIT_TYPE; WaitDequeue waits for an entry of a queue
  UCHAR count;   // of objects; 0 to wait for time alone
  UCHAR reason;  // KWAIT_REASON
  KPROCESSOR_MODE mode;
  BOOLEAN alertable;
  bool several;  // objects come as an array
};

// A signal whose `Wait` argument announces that a wait follows at once: the caller's IRQL stays raised until then, and
// whom the signal released does not run before.
void announce_wait(ETHREAD &thread, WakeList &wakes);
inline void announce_if(BOOLEAN wait, WakeList &wakes) {
  if (wait) announce_wait(current(), wakes);
}
void begin_announced_wait(ETHREAD &thread);
void deliver_announced(ETHREAD &thread);

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

// The machine ends: takes its threads off the lists of what they wait for, and lets none begin a wait any more. Each
// then leaves through `leave`, the sleeping ones when they are kicked. `threads` must be locked.
void begin_leaving(LIST_ENTRY &threads);
extern std::atomic<bool> leaving;
void kick(ETHREAD &thread);
// The same for one thread of the host, now and from now on: its waits for a driver's answer end with
// STATUS_SYSTEM_SHUTDOWN.
void recall(ETHREAD &thread);
[[noreturn]] void leave(ETHREAD &thread);

}  // namespace ntemu::ke

extern "C" {
// How the wait ended: a status, or the entry that a queue gave. `Object`: the object, or the array of them. `Blocks`: a
// wait block for each; null for the thread's own. `Site`: where the driver called.
LONG_PTR KiCommitThreadWait(PVOID Object, ntemu::ke::WaitKind Kind, PKWAIT_BLOCK Blocks, PLARGE_INTEGER Timeout,
                            const void *Site);
LONG_PTR KiSwapThread(PKTHREAD Thread, const ntemu::base::Deadline *Deadline);
// Saves the callee-saved registers below the frame whose address it stores in *KernelStack, then waits on the futex
// with `Operation`.
void KiSwapContext(PVOID volatile *KernelStack, std::atomic<uint32_t> *Word, uint32_t Expected, const timespec *Limit,
                   int Operation);
}
