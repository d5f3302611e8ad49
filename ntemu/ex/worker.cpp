#include "ntemu/ex/worker.h"

#include <deque>
#include <utility>

#include "ntemu/base/lock.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/wait.h"
#include "ntifs.h"

namespace ntemu::ex {
namespace {

// Who waits for the end of a routine, on its own stack.
struct Waiter {
  KEVENT done;
  bool abandoned = false;
};

struct Item {
  void (*routine)(void *) = nullptr;
  void *context = nullptr;
  Waiter *waiter = nullptr;
  bool host_waits = false;  // a host thread: its stack outlives the machine's threads
};

// One a worker; free again with the next machine.
struct Slot {
  std::atomic<ETHREAD *> thread{nullptr};
  std::atomic<bool> busy{false};
  Item item;  // guarded by the mutex
};

struct Workers {
  base::Mutex mutex;
  std::deque<Item> queue NTEMU_GUARDED_BY(mutex);
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

// False when the machine has ended.
bool submit(const Item &item) {
  Workers &all = workers();
  bool grow;
  {
    base::Guard guard(all.mutex);
    if (all.ended) return false;
    all.queue.push_back(item);
    grow = all.queue.size() + all.busy > all.threads && all.threads < kMostWorkers;
    if (grow) ++all.threads;
  }
  if (grow && !create_worker()) {
    base::Guard guard(all.mutex);
    --all.threads;  // the item waits for one of those that are there
  }
  KeSetEvent(&all.work, IO_NO_INCREMENT, FALSE);
  return true;
}

bool take(Slot &slot) {
  Workers &all = workers();
  bool more;
  {
    base::Guard guard(all.mutex);
    if (all.queue.empty()) return false;
    slot.item = all.queue.front();
    all.queue.pop_front();
    ++all.busy;
    slot.busy = true;
    more = !all.queue.empty();
  }
  // The event wakes one worker however often it was set: each passes on what it leaves.
  if (more) KeSetEvent(&all.work, IO_NO_INCREMENT, FALSE);
  return true;
}

void finish(Slot &slot) {
  Workers &all = workers();
  Waiter *waiter;
  {
    base::Guard guard(all.mutex);
    waiter = slot.item.waiter;
    slot.item = {};
    --all.busy;
    slot.busy = false;
  }
  if (waiter) KeSetEvent(&waiter->done, IO_NO_INCREMENT, FALSE);
}

Slot &own_slot() {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  Slot &slot = all.slots[all.slots_used++];
  slot.thread = &ke::current();
  return slot;
}

}  // namespace

bool (*create_worker)() = [] { return false; };

void boot_worker() {
  Workers &all = workers();
  KeInitializeEvent(&all.work, SynchronizationEvent, FALSE);
  {
    base::Guard guard(all.mutex);
    all.queue.clear();
    all.busy = all.slots_used = 0;
    all.threads = 1;
    all.ended = false;
    for (Slot &slot : all.slots) {
      slot.thread = nullptr;
      slot.busy = false;
      slot.item = {};
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
  return all.busy > 0 || !all.queue.empty();
}

bool work_is_due() {
  Workers &all = workers();
  base::Guard guard(all.mutex);
  return !all.ended && !all.queue.empty() && all.busy < all.threads;
}

bool run_on_system_worker(void (*routine)(void *), void *context) {
  ETHREAD &thread = ke::current();
  if (is_worker(thread)) {
    routine(context);
    return true;
  }
  Waiter waiter;
  KeInitializeEvent(&waiter.done, NotificationEvent, FALSE);
  if (!submit({routine, context, &waiter, thread.adopted})) return false;
  KeWaitForSingleObject(&waiter.done, Executive, KernelMode, FALSE, nullptr);
  return !waiter.abandoned;
}

void queue_to_system_worker(void (*routine)(void *), void *context) { submit({routine, context, nullptr, false}); }

void abandon_work() {
  Workers &all = workers();
  std::deque<Item> left;
  {
    base::Guard guard(all.mutex);
    all.ended = true;
    left.swap(all.queue);
    for (Slot &slot : all.slots) {
      if (slot.busy.exchange(false)) left.push_back(std::exchange(slot.item, {}));
    }
    all.busy = 0;
  }
  for (const Item &item : left) {
    if (!item.host_waits) continue;
    item.waiter->abandoned = true;
    KeSetEvent(&item.waiter->done, IO_NO_INCREMENT, FALSE);
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
      slot.item.routine(slot.item.context);
      ex::finish(slot);
    }
  }
}
