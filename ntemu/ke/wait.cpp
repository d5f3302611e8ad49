#include "ntemu/ke/wait.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/ke.h"

namespace ntemu::ke {

base::Nt100ns deadline_from(const LARGE_INTEGER *timeout) {
  if (!timeout) return base::kForever;
  const LONGLONG value = timeout->QuadPart;
  base::Clock &clock = base::clock();
  const base::Nt100ns now = clock.interrupt_time();
  base::Nt100ns deadline;
  const bool overflow = value < 0 ? __builtin_sub_overflow(now, value, &deadline)
                                  : __builtin_add_overflow(value - clock.system_time(), now, &deadline);
  return overflow ? base::kForever - 1 : deadline;
}

bool is_signaled_for(const DISPATCHER_HEADER &header, const KTHREAD &thread) {
  if (header.SignalState > 0) return true;
  return type_of(header) == kMutant && reinterpret_cast<const KMUTANT &>(header).OwnerThread == &thread;
}

NTSTATUS satisfy(DISPATCHER_HEADER &header, KTHREAD &thread) {
  switch (type_of(header)) {
    case kSynchronizationEvent:
    case kSynchronizationTimer:
      header.SignalState = 0;
      break;
    case kSemaphore:
      --header.SignalState;
      break;
    case kMutant: {
      auto &mutant = reinterpret_cast<KMUTANT &>(header);
      if (--header.SignalState != 0) break;
      thread.KernelApcDisable = static_cast<SHORT>(thread.KernelApcDisable - mutant.ApcDisable);
      mutant.OwnerThread = &thread;
      InsertTailList(&thread.MutantListHead, &mutant.MutantListEntry);
      if (!(mutant.MutantFlags & 1)) break;
      mutant.MutantFlags = 0;
      return STATUS_ABANDONED;
    }
    default:
      break;
  }
  return STATUS_SUCCESS;
}

bool WakeList::claim(KWAIT_BLOCK &block) {
  std::atomic<uint32_t> &word = ethread(block.Thread).wait_word;
  uint32_t seen = word.load(std::memory_order_relaxed);
  do {
    if ((seen & 0xff) != kAsleep) return false;
  } while (!word.compare_exchange_weak(seen, (seen & ~0xffu) | kClaimed, std::memory_order_acq_rel));
  return true;
}

void WakeList::add(KWAIT_BLOCK &block, LONG_PTR status) {
  RemoveEntryList(&block.WaitListEntry);
  block.BlockState = kBlockInactive;
  block.Thread->WaitStatus = status;
  block.SparePtr = nullptr;
  *last_ = &block;
  last_ = reinterpret_cast<KWAIT_BLOCK **>(&block.SparePtr);
}

void WakeList::deliver() {
  for (KWAIT_BLOCK *block = first_; block;) {
    auto *next = static_cast<KWAIT_BLOCK *>(block->SparePtr);
    std::atomic<uint32_t> &word = ethread(block->Thread).wait_word;
    word.fetch_add(kDelivered - kClaimed, std::memory_order_release);  // from here on the block may be gone
    base::wake_word(word);
    block = next;
  }
  first_ = nullptr;
  last_ = &first_;
}

void release_waiters(DISPATCHER_HEADER &header, WakeList &wakes) {
  LIST_ENTRY *entry = header.WaitListHead.Flink;
  while (entry != &header.WaitListHead && header.SignalState > 0) {
    auto &block = *CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);
    entry = entry->Flink;
    if (!wakes.claim(block)) continue;  // its time ran out: it takes its block off the list itself
    const NTSTATUS status = satisfy(header, *block.Thread);
    wakes.add(block, status + block.WaitKey);
  }
}

void end_start(ETHREAD &thread) {
  if (!thread.starting.exchange(false)) return;
  thread.start_word.store(1, std::memory_order_release);
  base::wake_word(thread.start_word);
}

std::atomic<uint32_t> rest_count{0};
std::atomic<int> rest_watchers{0};
std::atomic<bool> leaving{false};

void note_rest() {
  rest_count.fetch_add(1);
  if (rest_watchers.load()) base::wake_word(rest_count, INT_MAX);
}

void kick(ETHREAD &thread) {
  thread.wait_word.fetch_add(base::kKick);
  base::wake_word(thread.wait_word);
}

void recall(ETHREAD &thread) {
  thread.recalled = true;
  kick(thread);
}

void leave(ETHREAD &thread) {
  end_start(thread);
  std::longjmp(*thread.exit_point, 1);
}

namespace {

// Leaves the wait without the object, unless a signal was faster. A dying machine's thread leaves its block where it
// is: the object may have gone with its driver, and nobody looks at it any more.
bool withdraw(ETHREAD &thread, bool dying) {
  uint32_t seen = thread.wait_word.load(std::memory_order_relaxed);
  do {
    if ((seen & 0xff) != kAsleep) return false;
  } while (!thread.wait_word.compare_exchange_weak(seen, (seen & ~0xffu) | kAwake, std::memory_order_acq_rel));
  if (PKWAIT_BLOCK block = thread.Tcb.WaitBlockList; block && !dying) {
    HeaderLock lock(*static_cast<DISPATCHER_HEADER *>(block->Object));
    RemoveEntryList(&block->WaitListEntry);
    block->BlockState = kBlockInactive;
  }
  return true;
}

__attribute__((noinline)) NTSTATUS KiSwapThread(ETHREAD &thread, base::Nt100ns deadline) {
  base::Clock &clock = base::clock();
  const bool may_leave = thread.exit_point != nullptr;
  for (;;) {
    const uint32_t seen = thread.wait_word.load(std::memory_order_acquire);
    if ((seen & 0xff) == kDelivered) break;
    if ((seen & 0xff) == kAsleep) {
      const bool dying = (may_leave && leaving.load()) || (thread.unwinds && thread.recalled.load());
      const bool leaves = dying && !thread.unwinds;
      if ((dying || (deadline != base::kForever && clock.interrupt_time() >= deadline)) && withdraw(thread, leaves)) {
        if (leaves) leave(thread);
        thread.Tcb.WaitStatus = dying ? STATUS_SYSTEM_SHUTDOWN : STATUS_TIMEOUT;
        break;
      }
    }
    // A claimed thread waits for its delivery, which comes at once, whatever its deadline.
    const base::Nt100ns end = (seen & 0xff) == kAsleep ? deadline : base::kForever;
    timespec limit;
    const timespec *until = clock.begin_wait(thread.wait_word, end, limit);
    KiSwapContext(&thread.Tcb.KernelStack, &thread.wait_word, seen, until);
    clock.end_wait(thread.wait_word, end);
  }
  return static_cast<NTSTATUS>(thread.Tcb.WaitStatus);
}

}  // namespace
}  // namespace ntemu::ke

using namespace ntemu;
using namespace ntemu::ke;

__attribute__((noinline)) NTSTATUS KiCommitThreadWait(PKTHREAD Thread, base::Nt100ns Deadline) {
  ETHREAD &thread = ethread(Thread);
  const base::Nt100ns now = base::clock().interrupt_time();
  thread.wait_began = now;
  thread.wait_deadline = Deadline;
  Thread->WaitTime = static_cast<ULONG>(now / kTimeIncrement);
  ++Thread->ContextSwitches;
  // Counted before and after: whoever saw the same count around a look at all threads saw them all at one moment.
  rest_count.fetch_add(1);
  set_state(*Thread, kWaiting);
  note_progress(thread);
  note_rest();
  const NTSTATUS status = KiSwapThread(thread, Deadline);
  set_state(*Thread, kRunning);
  Thread->KernelStack = nullptr;
  Thread->WaitBlockList = nullptr;
  thread.wait_word.store(kAwake, std::memory_order_relaxed);
  return status;
}

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout) {
  NT_ENTER(KeWaitForSingleObject, Object, WaitReason, WaitMode, Alertable, Timeout);
  DISPATCHER_HEADER &header = check_object(Object, kAnyWaitable, __builtin_return_address(0));
  ETHREAD &thread = current();
  KTHREAD &tcb = thread.Tcb;
  const bool poll = Timeout && Timeout->QuadPart == 0;
  if (thread.irql >= DISPATCH_LEVEL && !poll) [[unlikely]] {
    bugcheck(0xB8, reinterpret_cast<ULONG_PTR>(&tcb), reinterpret_cast<ULONG_PTR>(Object), 0, 0);
  }
  KWAIT_BLOCK &block = tcb.WaitBlock[0];
  bool limit_exceeded = false;
  {
    HeaderLock lock(header);
    if (is_signaled_for(header, tcb)) {
      limit_exceeded = type_of(header) == kMutant && header.SignalState == MINLONG;
      if (!limit_exceeded) {
        const NTSTATUS status = satisfy(header, tcb);
        note_progress(thread);
        return status;
      }
    } else if (poll) {
      return STATUS_TIMEOUT;
    } else {
      block.Thread = &tcb;
      block.Object = Object;
      block.WaitKey = 0;
      block.WaitType = WaitAny;
      block.BlockState = kBlockActive;
      tcb.WaitBlockList = &block;
      tcb.WaitReason = static_cast<UCHAR>(WaitReason);
      tcb.WaitMode = WaitMode;
      tcb.WaitIrql = thread.irql;
      thread.wait_word.store(kAsleep, std::memory_order_relaxed);
      InsertTailList(&header.WaitListHead, &block.WaitListEntry);
    }
  }
  if (limit_exceeded) raise_status(STATUS_MUTANT_LIMIT_EXCEEDED);
  return KiCommitThreadWait(&tcb, deadline_from(Timeout));
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval) {
  NT_ENTER(KeDelayExecutionThread, WaitMode, Alertable, Interval);
  ETHREAD &thread = current();
  if (thread.irql > APC_LEVEL) bugcheck(0xB8, reinterpret_cast<ULONG_PTR>(&thread), 0, 0, 0);
  const base::Nt100ns deadline = deadline_from(Interval);
  if (deadline <= base::clock().interrupt_time()) {
    note_progress(thread);
    sched_yield();
    return STATUS_SUCCESS;
  }
  thread.Tcb.WaitBlockList = nullptr;
  thread.Tcb.WaitReason = DelayExecution;
  thread.Tcb.WaitMode = WaitMode;
  thread.Tcb.WaitIrql = thread.irql;
  thread.wait_word.store(kAsleep, std::memory_order_relaxed);
  const NTSTATUS status = KiCommitThreadWait(&thread.Tcb, deadline);
  return status == STATUS_TIMEOUT ? STATUS_SUCCESS : status;
}
