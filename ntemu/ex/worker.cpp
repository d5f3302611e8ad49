#include "ntemu/ex/worker.h"

#include <memory>
#include <vector>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"
#include "ntifs.h"

namespace ntemu::ex {
namespace {

// Who waits for the end of a routine, on its own stack.
struct Waiter {
  KEVENT done;
  bool abandoned = false;
};

// A routine of the kernel's own, queued as a work item.
struct Job {
  WORK_QUEUE_ITEM item;
  LIST_ENTRY entry;  // in Workers.jobs
  PWORKER_THREAD_ROUTINE routine;
  PVOID context;
  Waiter *waiter;   // or null
  bool host_waits;  // a host thread: its stack outlives the machine's threads
};

// Marks the item of a Job; never called.
VOID is_a_job(PVOID) {}

// What a worker is at. The item itself belongs to its routine.
struct Work {
  PWORKER_THREAD_ROUTINE routine = nullptr;
  PVOID parameter = nullptr;
  const WORK_QUEUE_ITEM *item = nullptr;
  Job *job = nullptr;
};

// One a worker; free again with the next machine.
struct Slot {
  std::atomic<ETHREAD *> thread{nullptr};
  std::atomic<bool> busy{false};
  Work work;  // the worker's own
};

constexpr int kPriorities = 32;
constexpr int kDelayedPriority = 12;

struct Workers {
  base::Mutex mutex;
  LIST_ENTRY queues[kPriorities] NTEMU_GUARDED_BY(mutex);  // of WORK_QUEUE_ITEM.List
  uint32_t used NTEMU_GUARDED_BY(mutex) = 0;               // the queues that are not empty
  size_t queued NTEMU_GUARDED_BY(mutex) = 0;
  LIST_ENTRY jobs NTEMU_GUARDED_BY(mutex);  // queued and running ones
  unsigned busy NTEMU_GUARDED_BY(mutex) = 0;
  unsigned threads NTEMU_GUARDED_BY(mutex) = 0;  // that are there or about to be
  unsigned slots_used NTEMU_GUARDED_BY(mutex) = 0;
  bool ended NTEMU_GUARDED_BY(mutex) = true;
  Slot slots[kMostWorkers];
  KEVENT work;  // set while something is queued and a worker may be idle
};

Workers &workers() {
  static Workers *all = new Workers;
  return *all;
}

enum class Submitted { kYes, kQueuedAlready, kEnded };

Submitted submit(WORK_QUEUE_ITEM &item, int priority, Job *job = nullptr) {
  Workers &all = workers();
  bool grow;
  {
    base::Guard guard(all.mutex);
    if (all.ended) return Submitted::kEnded;
    if (item.List.Flink) return Submitted::kQueuedAlready;
    InsertTailList(&all.queues[priority], &item.List);
    all.used |= 1u << priority;
    ++all.queued;
    if (job) InsertTailList(&all.jobs, &job->entry);
    grow = all.queued + all.busy > all.threads && all.threads < kMostWorkers;
    if (grow) ++all.threads;
  }
  if (grow && !create_worker()) {
    base::Guard guard(all.mutex);
    --all.threads;  // the item waits for one of those that are there
  }
  KeSetEvent(&all.work, IO_NO_INCREMENT, FALSE);
  return Submitted::kYes;
}

bool submit_job(PWORKER_THREAD_ROUTINE routine, PVOID context, Waiter *waiter, bool host_waits) {
  auto *job = new Job{{}, {}, routine, context, waiter, host_waits};  // its worker, or abandon_work, deletes it
  ExInitializeWorkItem(&job->item, is_a_job, nullptr);
  const bool submitted = submit(job->item, kDelayedPriority, job) == Submitted::kYes;
  if (!submitted) delete job;
  return submitted;
}

WORK_QUEUE_ITEM &take_first(Workers &all) NTEMU_REQUIRES(all.mutex) {
  const int priority = 31 - __builtin_clz(all.used);
  auto &item = *CONTAINING_RECORD(RemoveHeadList(&all.queues[priority]), WORK_QUEUE_ITEM, List);
  if (IsListEmpty(&all.queues[priority])) all.used &= ~(1u << priority);
  --all.queued;
  item.List.Flink = nullptr;  // it can be queued again
  return item;
}

bool take(Slot &slot) {
  Workers &all = workers();
  bool more;
  {
    base::Guard guard(all.mutex);
    if (all.queued == 0) return false;
    WORK_QUEUE_ITEM &item = take_first(all);
    slot.work = {item.WorkerRoutine, item.Parameter, &item, nullptr};
    if (item.WorkerRoutine == is_a_job) {
      Job &job = *CONTAINING_RECORD(&item, Job, item);
      slot.work = {job.routine, job.context, &item, &job};
    }
    ++all.busy;
    slot.busy = true;
    more = all.queued > 0;
  }
  // The event wakes one worker however often it was set: each passes on what it leaves.
  if (more) KeSetEvent(&all.work, IO_NO_INCREMENT, FALSE);
  return true;
}

// `leaves`: the worker, too, which is seen before its routine is seen to have ended.
void finish(Slot &slot, bool leaves = false) {
  Workers &all = workers();
  std::unique_ptr<Job> job;
  {
    base::Guard guard(all.mutex);
    if (leaves) {
      --all.threads;
      slot.thread = nullptr;
    }
    job.reset(slot.work.job);
    if (job) RemoveEntryList(&job->entry);
    slot.work = {};
    --all.busy;
    slot.busy = false;
  }
  if (job && job->waiter) KeSetEvent(&job->waiter->done, IO_NO_INCREMENT, FALSE);
}

Slot &own_slot() {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  size_t at = 0;
  while (at < all.slots_used && all.slots[at].thread.load()) ++at;
  if (at == all.slots_used) ++all.slots_used;
  all.slots[at].thread = &ke::current();
  return all.slots[at];
}

}  // namespace

bool (*create_worker)() = [] { return false; };

void boot_worker() {
  Workers &all = workers();
  KeInitializeEvent(&all.work, SynchronizationEvent, FALSE);
  {
    base::Guard guard(all.mutex);
    for (LIST_ENTRY &queue : all.queues) InitializeListHead(&queue);
    InitializeListHead(&all.jobs);
    all.used = 0;
    all.queued = 0;
    all.busy = all.slots_used = 0;
    all.threads = 1;
    all.ended = false;
    for (Slot &slot : all.slots) {
      slot.thread = nullptr;
      slot.busy = false;
      slot.work = {};
    }
  }
  if (create_worker()) return;
  base::Guard guard(all.mutex);
  all.threads = 0;  // the first routine tries again
}

bool is_worker(const ETHREAD &thread) { return thread.StartAddress == reinterpret_cast<PVOID>(ExpWorkerThread); }

bool is_idle_worker(const ETHREAD &thread) {
  if (!is_worker(thread)) return false;
  for (const Slot &slot : workers().slots) {
    if (slot.thread.load() == &thread) return !slot.busy.load();
  }
  return true;  // on its way to its slot
}

bool worker_is_busy() {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  return all.busy > 0 || all.queued > 0;
}

bool work_is_due() {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  return !all.ended && all.queued > 0 && all.busy < all.threads;
}

bool run_on_system_worker(void (*routine)(void *), void *context) {
  ETHREAD &thread = ke::current();
  if (is_worker(thread)) {
    routine(context);
    return true;
  }
  Waiter waiter;
  KeInitializeEvent(&waiter.done, NotificationEvent, FALSE);
  if (!submit_job(routine, context, &waiter, thread.adopted)) return false;
  KeWaitForSingleObject(&waiter.done, Executive, KernelMode, FALSE, nullptr);
  return !waiter.abandoned;
}

void queue_to_system_worker(void (*routine)(void *), void *context) { submit_job(routine, context, nullptr, false); }

void run_work(PWORKER_THREAD_ROUTINE routine, PVOID parameter, const WORK_QUEUE_ITEM *item) {
  routine(parameter);
  if (ke::leaving.load()) return;
  const ETHREAD &thread = ke::current();
  const auto code = reinterpret_cast<ULONG_PTR>(routine);
  const auto argument = reinterpret_cast<ULONG_PTR>(parameter), place = reinterpret_cast<ULONG_PTR>(item);
  if (!IsListEmpty(&thread.Tcb.MutantListHead)) ke::bugcheck(0x39, code, argument, place);
  if (thread.irql != PASSIVE_LEVEL) ke::bugcheck(0xE1, code, thread.irql, argument, place);
  if (const ULONG disabled = thread.Tcb.CombinedApcDisable) ke::bugcheck(0x1, code, 0, disabled, 1);
}

int work_priority(WORK_QUEUE_TYPE type) {
  const int custom = static_cast<int>(type) - CustomPriorityWorkQueue;
  if (custom >= 0 && custom < kPriorities) return custom;
  switch (type) {
    case CriticalWorkQueue:
      return 13;
    case DelayedWorkQueue:
      return kDelayedPriority;
    case HyperCriticalWorkQueue:
      return 15;
    case NormalWorkQueue:
      return 8;
    case BackgroundWorkQueue:
      return 7;
    case RealTimeWorkQueue:
      return 18;
    case SuperCriticalWorkQueue:
      return 14;
    default:
      return -1;
  }
}

bool is_queued(const WORK_QUEUE_ITEM &item) {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  return item.List.Flink != nullptr;
}

void leave_work() {
  Workers &all = workers();
  for (size_t i = 0; i < std::size(all.slots); ++i) {
    Slot &slot = all.slots[i];
    if (slot.thread.load() != &ke::current()) continue;
    if (slot.work.job && slot.work.job->waiter) slot.work.job->waiter->abandoned = true;
    finish(slot, true);
  }
}

void abandon_work() {
  Workers &all = workers();
  std::vector<std::unique_ptr<Job>> left;
  {
    base::Guard guard(all.mutex);
    all.ended = true;
    // Not the drivers' items: what they lie in may be gone with its thread.
    while (!IsListEmpty(&all.jobs)) {
      left.emplace_back(CONTAINING_RECORD(RemoveHeadList(&all.jobs), Job, entry));
    }
    for (Slot &slot : all.slots) {
      slot.busy = false;
      slot.work = {};
    }
    all.busy = 0;
    all.queued = 0;
  }
  for (const auto &job : left) {
    if (!job->host_waits) continue;
    job->waiter->abandoned = true;
    KeSetEvent(&job->waiter->done, IO_NO_INCREMENT, FALSE);
  }
}

}  // namespace ntemu::ex

using namespace ntemu;

// The start routine of the system worker threads; they end with their machine.
VOID ExpWorkerThread(PVOID) {
  ex::Slot &slot = ex::own_slot();
  for (;;) {
    KeWaitForSingleObject(&ex::workers().work, WrQueue, KernelMode, FALSE, nullptr);
    while (ex::take(slot)) {
      ex::run_work(slot.work.routine, slot.work.parameter, slot.work.item);
      ex::finish(slot);
    }
  }
}

VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType) {
  NT_ENTER(ExQueueWorkItem, WorkItem, QueueType);
  const auto item = reinterpret_cast<ULONG_PTR>(WorkItem), queue = static_cast<ULONG_PTR>(QueueType);
  const int priority = ex::work_priority(QueueType);
  if (priority < 0) ke::bugcheck(0xE4, 6, item, queue);
  if (!WorkItem->WorkerRoutine) ke::bugcheck(0xE4, 7, item, queue);
  if (ex::submit(*WorkItem, priority) == ex::Submitted::kQueuedAlready) ke::bugcheck(0xE4, 1, item, queue);
}
