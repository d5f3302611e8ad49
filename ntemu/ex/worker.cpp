#include "ntemu/ex/worker.h"

#include <deque>

#include "ntemu/base/lock.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/wait.h"
#include "ntifs.h"

namespace ntemu::ex {
namespace {

struct Item {
  void (*routine)(void *);
  void *context;
  KEVENT done;
};

struct Worker {
  base::Mutex mutex;
  std::deque<Item *> queue NTEMU_GUARDED_BY(mutex);
  KEVENT work;
  std::atomic<ETHREAD *> thread{nullptr};
  std::atomic<bool> busy{false};
};

Worker &worker() {
  static Worker *the_worker = new Worker;
  return *the_worker;
}

Item *next_item() {
  base::Guard guard(worker().mutex);
  if (worker().queue.empty()) return nullptr;
  Item *item = worker().queue.front();
  worker().queue.pop_front();
  return item;
}

}  // namespace

void boot_worker() {
  KeInitializeEvent(&worker().work, SynchronizationEvent, FALSE);
  base::Guard guard(worker().mutex);
  worker().queue.clear();
  worker().thread = nullptr;
}

bool is_worker(const ETHREAD &thread) { return thread.StartAddress == reinterpret_cast<PVOID>(ExpWorkerThread); }

bool worker_is_busy() { return worker().busy.load(); }

void run_on_system_worker(void (*routine)(void *), void *context) {
  if (&ke::current() == worker().thread.load()) return routine(context);
  Item item{routine, context, {}};
  KeInitializeEvent(&item.done, NotificationEvent, FALSE);
  {
    base::Guard guard(worker().mutex);
    worker().queue.push_back(&item);
    worker().busy.store(true);
  }
  KeSetEvent(&worker().work, IO_NO_INCREMENT, FALSE);
  KeWaitForSingleObject(&item.done, Executive, KernelMode, FALSE, nullptr);
}

}  // namespace ntemu::ex

using namespace ntemu;

// The start routine of the system worker thread; it ends with its machine.
VOID ExpWorkerThread(PVOID) {
  ex::worker().thread = &ke::current();
  for (;;) {
    KeWaitForSingleObject(&ex::worker().work, WrQueue, KernelMode, FALSE, nullptr);
    while (ex::Item *item = ex::next_item()) {
      item->routine(item->context);
      ex::worker().busy.store(false);
      KeSetEvent(&item->done, IO_NO_INCREMENT, FALSE);
    }
  }
}
