// Remove locks: a count of the operations on a device, and its removal, which waits for the last of them.
#include "ntemu/api/enter.h"
#include "ntemu/ke/ke.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

namespace {

// A remove lock of a driver that is compiled with DBG, told from others by its size.
struct CheckedLock {
  IO_REMOVE_LOCK_COMMON_BLOCK Common;
  IO_REMOVE_LOCK_DBG_BLOCK Dbg;
};
static_assert(sizeof(CheckedLock) == 0x78);

constexpr LONGLONG kTicksPerMinute = 60 * 10'000'000LL / ke::kTimeIncrement;

// IoCount begins at 1, which the removal takes away: once 0 it stays 0.
bool add(IO_REMOVE_LOCK_COMMON_BLOCK &lock) {
  LONG seen = __atomic_load_n(&lock.IoCount, __ATOMIC_RELAXED);
  do {
    if (seen == 0) return false;
  } while (!__atomic_compare_exchange_n(&lock.IoCount, &seen, seen + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  return true;
}

// With the last one the lock may be gone, unless somebody waits for its event.
void subtract(IO_REMOVE_LOCK_COMMON_BLOCK &lock) {
  if (__atomic_sub_fetch(&lock.IoCount, 1, __ATOMIC_SEQ_CST) == 0)
    KeSetEvent(&lock.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

}  // namespace

VOID IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark,
                              ULONG RemlockSize) {
  NT_ENTER(IoInitializeRemoveLockEx, Lock, AllocateTag, MaxLockedMinutes, HighWatermark, RemlockSize);
  if (RemlockSize >= sizeof(CheckedLock)) {
    IO_REMOVE_LOCK_DBG_BLOCK &dbg = reinterpret_cast<CheckedLock *>(Lock)->Dbg;
    dbg = {};
    dbg.HighWatermark = HighWatermark;
    dbg.MaxLockedTicks = MaxLockedMinutes * kTicksPerMinute;
    dbg.AllocateTag = static_cast<LONG>(AllocateTag);
    InitializeListHead(&dbg.LockList);
  }
  Lock->Common.Removed = FALSE;
  Lock->Common.IoCount = 1;
  KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line, ULONG RemlockSize) {
  NT_ENTER(IoAcquireRemoveLockEx, RemoveLock, Tag, File, Line, RemlockSize);
  if (!add(RemoveLock->Common)) return STATUS_DELETE_PENDING;
  if (__atomic_load_n(&RemoveLock->Common.Removed, __ATOMIC_SEQ_CST)) {
    subtract(RemoveLock->Common);
    return STATUS_DELETE_PENDING;
  }
  ke::note_progress(ke::current());
  return STATUS_SUCCESS;
}

VOID IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize) {
  NT_ENTER(IoReleaseRemoveLockEx, RemoveLock, Tag, RemlockSize);
  subtract(RemoveLock->Common);
}

VOID IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize) {
  NT_ENTER(IoReleaseRemoveLockAndWaitEx, RemoveLock, Tag, RemlockSize);
  __atomic_store_n(&RemoveLock->Common.Removed, TRUE, __ATOMIC_SEQ_CST);
  // The caller's own acquisition, and the one from the beginning.
  if (__atomic_sub_fetch(&RemoveLock->Common.IoCount, 2, __ATOMIC_SEQ_CST) > 0)
    KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, nullptr);
}
