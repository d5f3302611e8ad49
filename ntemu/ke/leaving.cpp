// The end of a machine: its threads are taken off all lists while each of them still stands where it waits. Afterwards
// they leave one by one, and with their stacks go wait blocks, and objects that others waited for.

#include <utility>

#include "ntemu/base/peek.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ke/wait.h"

#ifdef NTEMU_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace ntemu::ke {
namespace {

// A copy of memory that may be gone with the driver whose it was.
template <class T>
bool read(const T *from, T &copy) {
#ifdef NTEMU_ASAN
  if (__asan_region_is_poisoned(const_cast<T *>(from), sizeof(T))) return false;
#endif
  return base::read_memory(from, copy);
}

// Whether the entry was on a list that is still there.
bool take_off(LIST_ENTRY &entry) {
  LIST_ENTRY next, previous;
  if (!read(entry.Flink, next) || !read(entry.Blink, previous)) return false;
  if (next.Blink != &entry || previous.Flink != &entry) return false;
  entry.Blink->Flink = entry.Flink;
  entry.Flink->Blink = entry.Blink;
  return true;
}

void take_off(KWAIT_BLOCK &block) {
  block.BlockState = kBlockInactive;
  if (!take_off(block.WaitListEntry)) return;
  auto &header = *static_cast<DISPATCHER_HEADER *>(block.Object);
  LIST_ENTRY head;
  if (read(&header.WaitListHead, head) && head.Flink == &header.WaitListHead) thaw(header);
}

}  // namespace

void begin_leaving(LIST_ENTRY &threads) {
  DispatcherLock lock;
  for (LIST_ENTRY *entry = threads.Flink; entry != &threads; entry = entry->Flink) {
    ETHREAD &thread = ethread(CONTAINING_RECORD(entry, KTHREAD, ThreadListEntry));
    if (thread.adopted) continue;
    if (std::exchange(thread.Tcb.Queue, nullptr)) take_off(thread.Tcb.QueueListEntry);
    if (!is_asleep_locked(thread) || thread.unwinds) continue;
    for (ULONG i = 0; i < thread.wait_count; ++i) take_off(thread.Tcb.WaitBlockList[i]);
    thread.wait_count = 0;
  }
  leaving = true;
}

}  // namespace ntemu::ke
