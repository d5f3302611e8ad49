#include "ntemu/ke/queue.h"

#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/wait.h"

namespace ntemu::ke {
namespace {

// The thread that came last gets the next entry: its memory is the warmest.
ETHREAD *last_waiter(const KQUEUE &queue) {
  const LIST_ENTRY &head = queue.Header.WaitListHead;
  if (IsListEmpty(&head)) return nullptr;
  return &ethread(CONTAINING_RECORD(head.Blink, KWAIT_BLOCK, WaitListEntry)->Thread);
}

bool may_run_another(const KQUEUE &queue) { return queue.CurrentCount < queue.MaximumCount; }

void give(LIST_ENTRY *entry, ETHREAD &thread, WakeList &wakes) {
  unlink_waits(thread);
  wakes.unwait(thread, reinterpret_cast<LONG_PTR>(entry), 0);
}

LIST_ENTRY *take_first(KQUEUE &queue) {
  LIST_ENTRY *entry = RemoveHeadList(&queue.EntryListHead);
  entry->Flink = nullptr;
  set_state(queue.Header, signal_state(queue.Header) - 1);
  return entry;
}

LONG insert(KQUEUE &queue, LIST_ENTRY *entry, bool at_head) {
  WakeList wakes;
  DispatcherLock lock;
  const LONG before = signal_state(queue.Header);
  ETHREAD *waiter = may_run_another(queue) && before == 0 ? last_waiter(queue) : nullptr;
  if (waiter) {
    entry->Flink = nullptr;
    give(entry, *waiter, wakes);
    return before;
  }
  set_state(queue.Header, before + 1);
  (at_head ? InsertHeadList : InsertTailList)(&queue.EntryListHead, entry);
  return before;
}

void join(KQUEUE &queue, ETHREAD &thread, WakeList &wakes) {
  KTHREAD &tcb = thread.Tcb;
  if (tcb.Queue) {
    RemoveEntryList(&tcb.QueueListEntry);
    note_blocking(*tcb.Queue, wakes);
  }
  tcb.Queue = &queue;
  InsertTailList(&queue.ThreadListHead, &tcb.QueueListEntry);
}

KQUEUE &check_queue(PRKQUEUE queue, const void *caller) {
  check_object(queue, 1u << kQueue, caller);
  return *queue;
}

}  // namespace

void note_running(KQUEUE &queue) { queue.CurrentCount = queue.CurrentCount + 1; }

void note_blocking(KQUEUE &queue, WakeList &wakes) {
  queue.CurrentCount = queue.CurrentCount - 1;
  if (IsListEmpty(&queue.EntryListHead) || !may_run_another(queue)) return;
  if (ETHREAD *waiter = last_waiter(queue)) give(take_first(queue), *waiter, wakes);
}

bool try_dequeue(KQUEUE &queue, ETHREAD &thread, LONG_PTR &entry, WakeList &wakes) {
  if (thread.Tcb.Queue == &queue) {
    queue.CurrentCount = queue.CurrentCount - 1;
  } else {
    join(queue, thread, wakes);
  }
  if (IsListEmpty(&queue.EntryListHead) || !may_run_another(queue)) return false;
  entry = reinterpret_cast<LONG_PTR>(take_first(queue));
  note_running(queue);
  return true;
}

void leave_queue(ETHREAD &thread) {
  WakeList wakes;
  DispatcherLock lock;
  if (KQUEUE *queue = std::exchange(thread.Tcb.Queue, nullptr)) {
    RemoveEntryList(&thread.Tcb.QueueListEntry);
    note_blocking(*queue, wakes);
  }
}

}  // namespace ntemu::ke

using namespace ntemu;
using namespace ntemu::ke;

VOID KeInitializeQueue(PRKQUEUE Queue, ULONG Count) {
  NT_ENTER(KeInitializeQueue, Queue, Count);
  initialize_header(Queue->Header, kQueue, sizeof(KQUEUE), 0);
  InitializeListHead(&Queue->EntryListHead);
  InitializeListHead(&Queue->ThreadListHead);
  Queue->CurrentCount = 0;
  Queue->MaximumCount = Count ? Count : processor_count();
}

LONG KeReadStateQueue(PRKQUEUE Queue) {
  NT_ENTER(KeReadStateQueue, Queue);
  return signal_state(check_queue(Queue, __builtin_return_address(0)).Header);
}

LONG KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry) {
  NT_ENTER(KeInsertQueue, Queue, Entry);
  return insert(check_queue(Queue, __builtin_return_address(0)), Entry, false);
}

LONG KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry) {
  NT_ENTER(KeInsertHeadQueue, Queue, Entry);
  return insert(check_queue(Queue, __builtin_return_address(0)), Entry, true);
}

PLIST_ENTRY KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout) {
  NT_ENTER(KeRemoveQueue, Queue, WaitMode, Timeout);
  const WaitKind kind{WaitDequeue, 1, WrQueue, WaitMode, FALSE, false};
  return reinterpret_cast<PLIST_ENTRY>(KiCommitThreadWait(Queue, kind, nullptr, Timeout, __builtin_return_address(0)));
}

PLIST_ENTRY KeRundownQueue(PRKQUEUE Queue) {
  NT_ENTER(KeRundownQueue, Queue);
  KQUEUE &queue = check_queue(Queue, __builtin_return_address(0));
  DispatcherLock lock;
  PLIST_ENTRY first = nullptr;
  if (!IsListEmpty(&queue.EntryListHead)) {
    first = queue.EntryListHead.Flink;
    RemoveEntryList(&queue.EntryListHead);
    InitializeListHead(&queue.EntryListHead);
  }
  set_state(queue.Header, 0);
  while (!IsListEmpty(&queue.ThreadListHead)) {
    LIST_ENTRY *entry = RemoveHeadList(&queue.ThreadListHead);
    CONTAINING_RECORD(entry, KTHREAD, QueueListEntry)->Queue = nullptr;
  }
  queue.CurrentCount = 0;
  return first;
}
