// ETHREAD.IrpList: the requests of a thread that are under way. A thread that ends cancels them.
#include "ntemu/base/log.h"
#include "ntemu/io/irp.h"
#include "ntemu/ke/spin_word.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/exit.h"

namespace ntemu::io {
namespace {

// Guards every thread's list, and ThreadListEntry, Thread and AllocationFlags of what is on one.
KSPIN_LOCK lists_lock;

constexpr LONGLONG kPatience = 5 * 60 * base::kNtPerSecond;  // as Windows waits for the requests of a thread

bool is_empty(const ETHREAD &thread) {
  ke::SpinGuard guard(lists_lock);
  return thread.IrpList.Flink == &thread.IrpList;
}

// One that has not been cancelled, pinned; nullptr when there is none.
PIRP pin_next(ETHREAD &thread) {
  ke::SpinGuard guard(lists_lock);
  for (PLIST_ENTRY entry = thread.IrpList.Flink; entry != &thread.IrpList; entry = entry->Flink) {
    PIRP irp = CONTAINING_RECORD(entry, IRP, ThreadListEntry);
    if (__atomic_load_n(&irp->Cancel, __ATOMIC_RELAXED) || has_allocation_flag(*irp, kFinishing)) continue;
    set_allocation_flag(irp, kPinned);
    return irp;
  }
  return nullptr;
}

void unpin(PIRP irp) {
  bool free;
  {
    ke::SpinGuard guard(lists_lock);
    free = has_allocation_flag(*irp, kFreeLater);
    __atomic_fetch_and(&irp->AllocationFlags, static_cast<UCHAR>(~(kPinned | kFreeLater)), __ATOMIC_RELAXED);
  }
  if (free) free_irp(irp);
}

// False while one of the requests is being completed: for some instructions more.
bool try_disown(ETHREAD &thread) {
  ke::SpinGuard guard(lists_lock);
  for (PLIST_ENTRY entry = thread.IrpList.Flink; entry != &thread.IrpList; entry = entry->Flink) {
    if (has_allocation_flag(*CONTAINING_RECORD(entry, IRP, ThreadListEntry), kFinishing)) return false;
  }
  while (!IsListEmpty(&thread.IrpList)) {
    PIRP irp = CONTAINING_RECORD(RemoveHeadList(&thread.IrpList), IRP, ThreadListEntry);
    InitializeListHead(&irp->ThreadListEntry);
    irp->Tail.Overlay.Thread = nullptr;
    __atomic_store_n(&irp->Cancel, BOOLEAN{TRUE}, __ATOMIC_SEQ_CST);
  }
  return true;
}

void disown(ETHREAD &thread) {
  for (uint32_t round = 0; !try_disown(thread); ++round) ke::spin(round);
}

void cancel(ETHREAD &thread) {
  if (is_empty(thread)) return;
  KeClearEvent(&thread.irps_gone);
  while (PIRP irp = pin_next(thread)) {
    IoCancelIrp(irp);
    unpin(irp);
  }
  if (is_empty(thread)) return;
  LARGE_INTEGER timeout;
  timeout.QuadPart = -kPatience;
  if (KeWaitForSingleObject(&thread.irps_gone, Executive, KernelMode, FALSE, &timeout) != STATUS_TIMEOUT) return;
  base::log(base::Level::kWarning, "io", "thread {} ends although a driver has not completed a request of it",
            reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread));
}

}  // namespace

void queue_to_thread(PIRP irp) {
  ETHREAD &thread = ke::current();
  ke::SpinGuard guard(lists_lock);
  InsertHeadList(&thread.IrpList, &irp->ThreadListEntry);
}

bool keep_thread(PIRP irp) {
  ke::SpinGuard guard(lists_lock);
  if (!irp->Tail.Overlay.Thread) return false;
  set_allocation_flag(irp, kFinishing);
  return true;
}

void take_from_thread(PIRP irp) {
  ETHREAD *ended = nullptr;
  {
    ke::SpinGuard guard(lists_lock);
    if (IsListEmpty(&irp->ThreadListEntry)) return;
    ETHREAD *thread = irp->Tail.Overlay.Thread;
    RemoveEntryList(&irp->ThreadListEntry);
    InitializeListHead(&irp->ThreadListEntry);
    const bool ends = __atomic_load_n(&thread->CrossThreadFlags, __ATOMIC_RELAXED) & ke::kTerminatedFlag;
    if (!ends || !IsListEmpty(&thread->IrpList)) return;
    ended = thread;
    ob::reference(ended);
  }
  KeSetEvent(&ended->irps_gone, IO_NO_INCREMENT, FALSE);
  ob::dereference_at_any_irql(ended);
}

void forget_irp(PIRP irp) {
  ETHREAD &thread = ke::current();
  ke::SpinGuard guard(lists_lock);
  for (PLIST_ENTRY entry = thread.IrpList.Flink; entry != &thread.IrpList; entry = entry->Flink) {
    if (entry != &irp->ThreadListEntry) continue;
    RemoveEntryList(entry);
    InitializeListHead(entry);
    return;
  }
}

void release_irp(PIRP irp) {
  {
    ke::SpinGuard guard(lists_lock);
    if (has_allocation_flag(*irp, kPinned)) {
      set_allocation_flag(irp, kFreeLater);
      irp->Type = 0;
      return;
    }
  }
  free_irp(irp);
}

void boot_irps() {
  ps::cancel_thread_io = cancel;
  ps::disown_thread_io = disown;
}

}  // namespace ntemu::io
