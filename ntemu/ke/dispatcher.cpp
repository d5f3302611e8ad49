#include "ntemu/ke/dispatcher.h"

#include <algorithm>
#include <utility>

#include "ntemu/ke/policy.h"
#include "ntemu/ke/queue.h"
#include "ntemu/ke/wait.h"

namespace ntemu::ke {

std::atomic<uint32_t> DispatcherLock::word_{0};

void DispatcherLock::lock_contended() {
  for (int i = 0; i < 100; ++i) {
    uint32_t free = 0;
    if (word_.load(std::memory_order_relaxed) == 0 && word_.compare_exchange_weak(free, 1, std::memory_order_acquire)) {
      return;
    }
    __builtin_ia32_pause();
  }
  while (word_.exchange(2, std::memory_order_acquire) != 0) base::wait_word(word_, 2);
}

void initialize_header(DISPATCHER_HEADER &header, UCHAR type, size_t size, LONG state) {
  InitializeListHead(&header.WaitListHead);
  const auto dwords = static_cast<HeaderWord>(size / sizeof(ULONG));
  const int shift = type == kMutant ? 8 : 16;  // a mutant's size is its second byte
  store_word(header, with_state(type | dwords << shift, state));
}

LONG signal(DISPATCHER_HEADER &header, LONG state, KPRIORITY increment) {
  WakeList wakes;
  DispatcherLock lock;
  freeze(header);
  const LONG previous = signal_state(header);
  set_state(header, state);
  release_waiters(header, increment, wakes);
  thaw(header);
  return previous;
}

namespace {

// Takes `block` off its object's list; the object itself may be `frozen` by the caller, who thaws it.
void unlink(KWAIT_BLOCK &block, const DISPATCHER_HEADER *frozen) {
  RemoveEntryList(&block.WaitListEntry);
  block.BlockState = kBlockInactive;
  auto &header = *static_cast<DISPATCHER_HEADER *>(block.Object);
  if (&header != frozen) thaw(header);
}

// A waiter released with an increment runs at its base priority plus that, below the real-time priorities.
void boost(KTHREAD &thread, KPRIORITY increment) {
  if (increment <= 0 || thread.BasePriority >= LOW_REALTIME_PRIORITY) return;
  const auto boosted = static_cast<CHAR>(std::min(thread.BasePriority + increment, LOW_REALTIME_PRIORITY - 1));
  const CHAR priority = __atomic_load_n(&thread.Priority, __ATOMIC_RELAXED);
  if (boosted > priority) __atomic_store_n(&thread.Priority, boosted, __ATOMIC_RELAXED);
}

bool all_signaled(const ETHREAD &thread) {
  for (ULONG i = 0; i < thread.wait_count; ++i) {
    const auto &header = *static_cast<const DISPATCHER_HEADER *>(thread.Tcb.WaitBlockList[i].Object);
    if (!is_signaled_for(header, thread.Tcb)) return false;
  }
  return true;
}

NTSTATUS satisfy_all(ETHREAD &thread) {
  NTSTATUS status = STATUS_SUCCESS;
  for (ULONG i = 0; i < thread.wait_count; ++i) {
    auto &header = *static_cast<DISPATCHER_HEADER *>(thread.Tcb.WaitBlockList[i].Object);
    if (satisfy(header, thread.Tcb) == STATUS_ABANDONED) status = STATUS_ABANDONED;
  }
  return status;
}

}  // namespace

void unlink_waits(ETHREAD &thread, const DISPATCHER_HEADER *frozen) {
  for (ULONG i = 0; i < thread.wait_count; ++i) unlink(thread.Tcb.WaitBlockList[i], frozen);
  if (thread.Tcb.Queue) note_running(*thread.Tcb.Queue);
}

void WakeList::unwait(ETHREAD &thread, LONG_PTR status, KPRIORITY increment) {
  thread.Tcb.WaitStatus = status;
  boost(thread.Tcb, increment);
  // Nobody but the holder of the dispatcher lock changes the low byte of a thread that is asleep.
  thread.wait_word.fetch_add(kClaimed - kAsleep, std::memory_order_acq_rel);
  thread.next_to_wake = nullptr;
  *last_ = &thread;
  last_ = &thread.next_to_wake;
}

namespace {

void deliver_all(ETHREAD *first) {
  while (first) {
    ETHREAD *next = first->next_to_wake;
    std::atomic<uint32_t> &word = first->wait_word;
    word.fetch_add(kDelivered - kClaimed, std::memory_order_release);  // from here on the thread may be gone
    wake(word);
    first = next;
  }
}

}  // namespace

void WakeList::deliver() { deliver_all(take()); }

ETHREAD *WakeList::take() {
  last_ = &first_;
  return std::exchange(first_, nullptr);
}

void deliver_announced(ETHREAD &thread) { deliver_all(std::exchange(thread.announced_wakes, nullptr)); }

void release_waiters(DISPATCHER_HEADER &frozen, KPRIORITY increment, WakeList &wakes) {
  LIST_ENTRY *const head = &frozen.WaitListHead;
  for (LIST_ENTRY *entry = head->Flink; entry != head && signal_state(frozen) > 0;) {
    auto &block = *CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);
    ETHREAD &thread = ethread(block.Thread);
    // A thread that waits for the object twice has its blocks side by side, and goes with both.
    do entry = entry->Flink;
    while (entry != head && CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry)->Thread == &thread.Tcb);
    NTSTATUS status = block.WaitKey;
    if (block.WaitType == WaitAny) {
      status += satisfy(frozen, thread.Tcb);
    } else if (all_signaled(thread)) {
      status = satisfy_all(thread);
    } else {
      continue;
    }
    unlink_waits(thread, &frozen);
    wakes.unwait(thread, status, increment);
  }
}

}  // namespace ntemu::ke
