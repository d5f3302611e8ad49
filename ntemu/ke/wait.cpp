#include "ntemu/ke/wait.h"

#include <linux/futex.h>

#include <bit>
#include <climits>
#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/ke/apc.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ke/ke.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/queue.h"
#include "ntemu/ke/take.h"

namespace ntemu::ke {

constexpr int kFutexWait = FUTEX_WAIT_BITSET_PRIVATE;

base::Deadline deadline_from(const LARGE_INTEGER *timeout) {
  return timeout ? base::clock().deadline(timeout->QuadPart) : base::Deadline{};
}

bool is_signaled_for(const DISPATCHER_HEADER &header, const KTHREAD &thread) {
  const HeaderWord word = load_word(header);
  if (state_in(word) > 0) return true;
  return type_in(word) == kMutant && owner_of(reinterpret_cast<const KMUTANT &>(header)) == &thread;
}

namespace {

NTSTATUS own_frozen(KMUTANT &mutant, KTHREAD &thread) {
  own(mutant, thread);
  const bool abandoned = __atomic_exchange_n(&mutant.MutantFlags, static_cast<UCHAR>(0), __ATOMIC_RELAXED) & 1;
  return abandoned ? STATUS_ABANDONED : STATUS_SUCCESS;
}

}  // namespace

NTSTATUS satisfy(DISPATCHER_HEADER &frozen, KTHREAD &thread) {
  const HeaderWord word = load_word(frozen);
  switch (type_in(word)) {
    case kSynchronizationEvent:
    case kSynchronizationTimer:
      set_state(frozen, 0);
      break;
    case kSemaphore:
      set_state(frozen, state_in(word) - 1);
      break;
    case kMutant:
      set_state(frozen, state_in(word) - 1);
      if (state_in(word) == 1) return own_frozen(reinterpret_cast<KMUTANT &>(frozen), thread);
      break;
    default:
      break;
  }
  return STATUS_SUCCESS;
}

void end_start(ETHREAD &thread) {
  if (!thread.starting.exchange(false)) return;
  thread.start_word.store(1, std::memory_order_release);
  wake(thread.start_word);
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
  wake(thread.wait_word);
}

void recall(ETHREAD &thread) {
  thread.recalled = true;
  kick(thread);
}

void leave(ETHREAD &thread) {
  end_start(thread);
  std::longjmp(*thread.exit_point, 1);
}

void announce_wait(ETHREAD &thread, WakeList &wakes) {
  if (!thread.wait_announced) {
    thread.wait_announced = true;
    thread.announced_irql = thread.irql < DISPATCH_LEVEL ? KfRaiseIrql(DISPATCH_LEVEL) : thread.irql;
  }
  deliver_announced(thread);  // of a signal that announced a wait before
  thread.announced_wakes = wakes.take();
}

void begin_announced_wait(ETHREAD &thread) {
  thread.wait_announced = false;
  KeLowerIrql(thread.announced_irql);
}

namespace {

struct Wait {
  ULONG count;
  void *const *objects;
  KWAIT_BLOCK *blocks;
  WaitKind kind;
  base::Deadline deadline;
  bool poll;
  KQUEUE *queue;
};

// Why a wait that may be interrupted does not even begin.
NTSTATUS pending_interruption(ETHREAD &thread, KPROCESSOR_MODE mode, bool alertable) {
  KTHREAD &tcb = thread.Tcb;
  if (alertable) {
    if (tcb.Alerted[mode != KernelMode]) {
      tcb.Alerted[mode != KernelMode] = FALSE;
      return STATUS_ALERTED;
    }
    if (mode == UserMode && !IsListEmpty(&tcb.ApcState.ApcListHead[UserMode])) tcb.ApcState.UserApcPending = TRUE;
  }
  if (mode == UserMode && tcb.ApcState.UserApcPending) return STATUS_USER_APC;
  if (alertable && tcb.Alerted[KernelMode]) {
    tcb.Alerted[KernelMode] = FALSE;
    return STATUS_ALERTED;
  }
  return STATUS_SUCCESS;
}

DISPATCHER_HEADER &object_at(const Wait &wait, ULONG i) { return *static_cast<DISPATCHER_HEADER *>(wait.objects[i]); }

// Whether the frozen objects satisfy the wait; `status` then says how it ended.
bool try_frozen(ETHREAD &thread, const Wait &wait, LONG_PTR &status) {
  if (wait.kind.type == WaitAny) {
    for (ULONG i = 0; i < wait.count; ++i) {
      DISPATCHER_HEADER &header = object_at(wait, i);
      if (!is_signaled_for(header, thread.Tcb)) continue;
      if (at_mutant_limit(header)) {
        status = STATUS_MUTANT_LIMIT_EXCEEDED;
        return true;
      }
      status = static_cast<LONG_PTR>(i) + satisfy(header, thread.Tcb);
      return true;
    }
    return false;
  }
  bool all = true;
  for (ULONG i = 0; i < wait.count; ++i) {
    if (!is_signaled_for(object_at(wait, i), thread.Tcb)) {
      all = false;
    } else if (at_mutant_limit(object_at(wait, i))) {  // the others may come later, when nobody looks at it any more
      status = STATUS_MUTANT_LIMIT_EXCEEDED;
      return true;
    }
  }
  if (!all) return false;
  status = STATUS_SUCCESS;
  for (ULONG i = 0; i < wait.count; ++i) {
    if (satisfy(object_at(wait, i), thread.Tcb) == STATUS_ABANDONED) status = STATUS_ABANDONED;
  }
  return true;
}

void queue_blocks(KTHREAD &thread, const Wait &wait) {
  for (ULONG i = 0; i < wait.count; ++i) {
    KWAIT_BLOCK &block = wait.blocks[i];
    block.Thread = &thread;
    block.Object = wait.objects[i];
    block.WaitKey = static_cast<USHORT>(wait.kind.type == WaitAny ? i : 0);
    block.WaitType = wait.kind.type;
    block.BlockState = kBlockActive;
    InsertTailList(&object_at(wait, i).WaitListHead, &block.WaitListEntry);
  }
  thread.WaitBlockList = wait.count ? wait.blocks : nullptr;
  ethread(&thread).wait_count = wait.count;
}

// Takes the thread from running to waiting; its wait blocks are in place.
void begin_wait(ETHREAD &thread, const Wait &wait, WakeList &wakes) {
  KTHREAD &tcb = thread.Tcb;
  const base::Nt100ns now = base::clock().interrupt_time();
  thread.wait_began = now;
  thread.wait_deadline = wait.deadline.when;
  thread.wait_deadline_absolute = wait.deadline.absolute;
  thread.wait_alertable = wait.kind.alertable;
  tcb.WaitTime = static_cast<ULONG>(now / kTimeIncrement);
  tcb.WaitReason = wait.kind.reason;
  tcb.WaitMode = wait.kind.mode;
  tcb.WaitIrql = thread.irql;
  ++tcb.ContextSwitches;
  // A boost wears off with each wait.
  if (tcb.Priority > tcb.BasePriority && tcb.BasePriority < LOW_REALTIME_PRIORITY) --tcb.Priority;
  if (tcb.Queue && !wait.queue) note_blocking(*tcb.Queue, wakes);
  count_in(thread);
  // Counted before and after: whoever saw the same count around a look at all threads saw them all at one moment.
  rest_count.fetch_add(1);
  thread.wait_word.store(kAsleep);
  // One that may close a cycle of threads looks for that first, and is seen to wait when it has told of it.
  if (!concerns_others(thread)) set_state(tcb, kWaiting);
}

void end_wait(ETHREAD &thread) {
  count_out(thread);
  set_state(thread.Tcb, kRunning);
  thread.Tcb.KernelStack = nullptr;
  thread.Tcb.WaitBlockList = nullptr;
  thread.wait_count = 0;
  thread.wait_word.store(kAwake, std::memory_order_relaxed);
}

bool has_to_leave(const ETHREAD &thread) { return leaving.load() && thread.exit_point && !thread.unwinds; }

enum class Begun { kDone, kRunApcs, kWaits, kLeaves };

Begun begin(ETHREAD &thread, const Wait &wait, LONG_PTR &status) {
  WakeList wakes;
  DispatcherLock lock;
  if (!wait.poll && has_to_leave(thread)) return Begun::kLeaves;
  if (kernel_apc_deliverable(thread)) return Begun::kRunApcs;
  for (ULONG i = 0; i < wait.count; ++i) freeze(object_at(wait, i));
  bool done =
      wait.queue ? try_dequeue(*wait.queue, thread, status, wakes) : wait.count && try_frozen(thread, wait, status);
  if (!done) {
    status =
        wait.poll && wait.count ? STATUS_TIMEOUT : pending_interruption(thread, wait.kind.mode, wait.kind.alertable);
    if (status == STATUS_SUCCESS && base::clock().has_come(wait.deadline)) status = STATUS_TIMEOUT;
    done = status != STATUS_SUCCESS;
    if (done && wait.queue) note_running(*wait.queue);
  }
  if (!done) {
    queue_blocks(thread.Tcb, wait);
    begin_wait(thread, wait, wakes);
    return Begun::kWaits;
  }
  for (ULONG i = 0; i < wait.count; ++i) thaw(object_at(wait, i));
  return Begun::kDone;
}

// Leaves the wait without the object, unless a signal was faster.
bool withdraw(ETHREAD &thread) {
  DispatcherLock lock;
  if (!is_asleep_locked(thread)) return false;
  unlink_waits(thread);
  thread.wait_word.fetch_sub(kAsleep - kAwake, std::memory_order_acq_rel);
  return true;
}

// On the way out of KiSwapContext: `world`, by which the thread has to stay there. Whoever freezes it looks at
// KernelStack to tell who is in there.
inline uint32_t leave_swap(KTHREAD &thread) {
  __atomic_store_n(&thread.KernelStack, nullptr, __ATOMIC_SEQ_CST);
  return world.load();
}

__attribute__((noinline)) void look_before_waiting(ETHREAD &thread) {
  thread_blocks.load(std::memory_order_acquire)(thread);
  set_state(thread.Tcb, kWaiting);
}

}  // namespace

bool abandon_wait(ETHREAD &thread) {
  if (!withdraw(thread)) return false;
  end_wait(thread);
  return true;
}

}  // namespace ntemu::ke

using namespace ntemu;
using namespace ntemu::ke;

__attribute__((noinline)) LONG_PTR KiSwapThread(PKTHREAD Thread, const base::Deadline *Deadline) {
  ETHREAD &thread = ethread(Thread);
  Policy *const policy = policy_for(thread);
  base::Clock &clock = base::clock();
  for (;;) {
    const uint32_t seen = thread.wait_word.load(std::memory_order_acquire);
    if ((seen & 0xff) == kDelivered) break;
    if ((seen & 0xff) == kAsleep) {
      const bool leaves = has_to_leave(thread);
      const bool dying =
          leaves || (thread.unwinds && (thread.recalled.load() || (thread.exit_point && leaving.load())));
      if ((dying || clock.has_come(*Deadline)) && withdraw(thread)) {
        if (leaves) leave(thread);
        Thread->WaitStatus = dying ? STATUS_SYSTEM_SHUTDOWN : STATUS_TIMEOUT;
        break;
      }
    }
    // A claimed thread waits for its delivery, which comes at once, whatever its deadline.
    const base::Deadline end = (seen & 0xff) == kAsleep ? *Deadline : base::Deadline{};
    if (policy) [[unlikely]] {
      policy->block(thread, thread.wait_word, seen, end);
      continue;
    }
    timespec limit;
    bool realtime = false;
    const timespec *until = clock.begin_wait(thread.wait_word, end, limit, realtime);
    KiSwapContext(&Thread->KernelStack, &thread.wait_word, seen, until,
                  kFutexWait | (realtime ? FUTEX_CLOCK_REALTIME : 0));
    for (uint32_t frozen; (frozen = leave_swap(*Thread)) & 1;)
      KiSwapContext(&Thread->KernelStack, &world, frozen, nullptr, kFutexWait);
    clock.end_wait(thread.wait_word, end);
  }
  return Thread->WaitStatus;
}

namespace {

// Which of the objects are mutants, asked before a wait: afterwards an object may be gone.
uint64_t mutants_among(const Wait &wait) {
  uint64_t mutants = 0;
  for (ULONG i = 0; i < wait.count; ++i) {
    if (type_of(object_at(wait, i)) == kMutant) mutants |= uint64_t{1} << i;
  }
  return mutants;
}

// Notes the mutants that a wait took, and raises what it has to raise.
LONG_PTR finish(ETHREAD &thread, const Wait &wait, uint64_t mutants, LONG_PTR ended, const void *site) {
  if (!mutants) return ended;
  if (ended == STATUS_MUTANT_LIMIT_EXCEEDED) raise_status(STATUS_MUTANT_LIMIT_EXCEEDED);
  const auto key = static_cast<ULONG>(ended >= STATUS_ABANDONED ? ended - STATUS_ABANDONED : ended);
  if (key >= wait.count) return ended;
  if (wait.kind.type == WaitAny) mutants &= uint64_t{1} << key;
  for (; mutants; mutants &= mutants - 1)
    thread.held.add(wait.objects[std::countr_zero(mutants)], LockKind::kMutex, site);
  return ended;
}

// A wait for any that ends without the dispatcher lock: the index of the object, or -1. One that may be signaled, but
// cannot be taken so, is the one to end the wait: those behind it are not looked at.
LONG_PTR try_any(ETHREAD &thread, const Wait &wait, const void *site) {
  if (wait.kind.type != WaitAny) return -1;
  for (ULONG i = 0; i < wait.count; ++i) {
    const HeaderWord seen = load_word(object_at(wait, i));
    if (try_take(wait.objects[i], seen, thread, site)) return static_cast<LONG_PTR>(i);
    if (seen & kHasWaiters || is_signaled_for(object_at(wait, i), thread.Tcb)) return -1;
  }
  return -1;
}

}  // namespace

__attribute__((noinline)) LONG_PTR KiCommitThreadWait(PVOID Object, WaitKind Kind, PKWAIT_BLOCK Blocks,
                                                      PLARGE_INTEGER Timeout, const void *Site) {
  ETHREAD &thread = current();
  const bool dequeue = Kind.type == WaitDequeue;
  Wait wait{.count = Kind.count,
            .objects = Kind.several ? static_cast<void **>(Object) : &Object,
            .blocks = Blocks ? Blocks : thread.Tcb.WaitBlock,
            .kind = Kind,
            .deadline = {},
            .poll = Timeout && Timeout->QuadPart == 0,
            .queue = dequeue ? static_cast<KQUEUE *>(Object) : nullptr};
  for (ULONG i = 0; i < wait.count; ++i) check_object(wait.objects[i], dequeue ? 1u << kQueue : kAnyWaitable, Site);
  if (const LONG_PTR taken = try_any(thread, wait, Site); taken >= 0) return taken;
  if (thread.wait_announced) begin_announced_wait(thread);
  // A wait that does not end at once is for threads below DISPATCH_LEVEL, or that were before they announced it.
  if (thread.irql >= DISPATCH_LEVEL && !(wait.poll && wait.count != 0))
    bugcheck(0xB8, reinterpret_cast<ULONG_PTR>(&thread), reinterpret_cast<ULONG_PTR>(Object), 0, 0);
  wait.deadline = deadline_from(Timeout);
  const uint64_t mutants = mutants_among(wait);
  note_plain_wait(thread, Site);
  for (;;) {
    LONG_PTR status = STATUS_SUCCESS;
    const Begun begun = begin(thread, wait, status);
    if (begun == Begun::kWaits && state_of(thread.Tcb) != kWaiting) look_before_waiting(thread);
    if (begun != Begun::kRunApcs && thread.announced_wakes) deliver_announced(thread);
    if (begun == Begun::kLeaves) leave(thread);
    if (begun != Begun::kRunApcs) note_progress(thread);
    if (begun == Begun::kWaits) {
      note_rest();
      status = KiSwapThread(&thread.Tcb, &wait.deadline);
      end_wait(thread);
    } else if (begun == Begun::kDone && wait.count == 0) {
      spin(UINT32_MAX);  // a delay of no length gives the others a turn
    }
    if (begun == Begun::kDone || (begun == Begun::kWaits && status != kKernelApc))
      return finish(thread, wait, mutants, status, Site);
    deliver_apcs(thread);
  }
}

namespace {

// The usual cases of a wait that ends at once. Everything else is up to KiCommitThreadWait, which is called last, so
// that nothing has to be kept across a call.
inline bool take_at_once(void *object, ETHREAD *thread, const void *site) {
  if (!thread || !may_be_object(object) || needs_attention(*thread)) [[unlikely]]
    return false;
  auto &header = *static_cast<DISPATCHER_HEADER *>(object);
  HeaderWord seen = load_word(header);
  if (seen == kFreeMutant) {
    auto &mutant = *static_cast<KMUTANT *>(object);
    if (!exchange_word(header, seen, kOwnedMutant)) return false;
    own(mutant, thread->Tcb);
    thread->held.add(&mutant, LockKind::kMutex, site);
    return true;
  }
  if (seen & kHasWaiters || state_in(seen) <= 0) return false;
  const UCHAR type = type_in(seen);
  if (type == kNotificationEvent) return true;
  if (type == kSemaphore) return exchange_word(header, seen, with_state(seen, state_in(seen) - 1));
  if (type == kSynchronizationEvent) return exchange_word(header, seen, with_state(seen, 0));
  return false;
}

inline NTSTATUS wait_for_one(PVOID object, KWAIT_REASON reason, KPROCESSOR_MODE mode, BOOLEAN alertable,
                             PLARGE_INTEGER timeout, const void *site) {
  if (take_at_once(object, base::current_thread_slot, site)) [[likely]]
    return STATUS_SUCCESS;
  const WaitKind kind{WaitAny, 1, static_cast<UCHAR>(reason), mode, alertable, false};
  return static_cast<NTSTATUS>(KiCommitThreadWait(object, kind, nullptr, timeout, site));
}

}  // namespace

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout) {
  NT_FAST(KeWaitForSingleObject, wait_for_one, Object, WaitReason, WaitMode, Alertable, Timeout);
}

NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray) {
  NT_ENTER(KeWaitForMultipleObjects, Count, Object, WaitType, WaitReason, WaitMode, Alertable, Timeout, WaitBlockArray);
  // MAXIMUM_WAIT_OBJECTS_EXCEEDED
  if (Count > (WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS)) bugcheck(0x0C);
  const WaitKind kind{static_cast<UCHAR>(WaitType),
                      static_cast<UCHAR>(Count),
                      static_cast<UCHAR>(WaitReason),
                      WaitMode,
                      Alertable,
                      true};
  return static_cast<NTSTATUS>(KiCommitThreadWait(Object, kind, WaitBlockArray, Timeout, __builtin_return_address(0)));
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval) {
  NT_ENTER(KeDelayExecutionThread, WaitMode, Alertable, Interval);
  const WaitKind kind{WaitAny, 0, DelayExecution, WaitMode, Alertable, false};
  const auto status =
      static_cast<NTSTATUS>(KiCommitThreadWait(nullptr, kind, nullptr, Interval, __builtin_return_address(0)));
  return status == STATUS_TIMEOUT ? STATUS_SUCCESS : status;
}
