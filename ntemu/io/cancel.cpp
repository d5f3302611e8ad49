// Cancellation of IRPs. The exchange of CancelRoutine decides between the canceler and the driver; the lock is held
// from there until the routine has what it needs.
#include "ntemu/io/cancel.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/spin_word.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

namespace {

KSPIN_LOCK cancel_lock;

KIRQL acquire(const void *caller) {
  const KIRQL irql = KeRaiseIrqlToDpcLevel();
  ke::acquire_spin_word(cancel_lock);
  ETHREAD &thread = ke::current();
  thread.held.add(&cancel_lock, ke::LockKind::kSpinLock, caller);
  ke::note_progress(thread);
  return irql;
}

void release(KIRQL irql) {
  ke::current().held.remove(&cancel_lock);
  ke::release_spin_word(cancel_lock);
  KeLowerIrql(irql);
}

}  // namespace

namespace ntemu::io {

void await_cancelers() {
  if (__atomic_load_n(&cancel_lock, __ATOMIC_RELAXED) == ke::spin_owner()) return;
  release(acquire(__builtin_return_address(0)));
}

}  // namespace ntemu::io

VOID IoAcquireCancelSpinLock(PKIRQL Irql) {
  NT_ENTER(IoAcquireCancelSpinLock, Irql);
  *Irql = acquire(__builtin_return_address(0));
}

VOID IoReleaseCancelSpinLock(KIRQL Irql) {
  NT_ENTER(IoReleaseCancelSpinLock, Irql);
  release(Irql);
}

BOOLEAN IoCancelIrp(PIRP Irp) {
  NT_ENTER(IoCancelIrp, Irp);
  const KIRQL irql = acquire(__builtin_return_address(0));
  __atomic_store_n(&Irp->Cancel, BOOLEAN{TRUE}, __ATOMIC_SEQ_CST);
  const PDRIVER_CANCEL routine = IoSetCancelRoutine(Irp, nullptr);
  if (!routine) {
    release(irql);
    return FALSE;
  }
  // CANCEL_STATE_IN_COMPLETED_IRP
  if (Irp->CurrentLocation > Irp->StackCount + 1)
    ke::bugcheck(0x48, reinterpret_cast<ULONG_PTR>(Irp), reinterpret_cast<ULONG_PTR>(routine));
  Irp->CancelIrql = irql;
  // In the location of the sender itself there is no device.
  const bool sent = Irp->CurrentLocation <= Irp->StackCount;
  routine(sent ? IoGetCurrentIrpStackLocation(Irp)->DeviceObject : nullptr, Irp);
  return TRUE;
}
