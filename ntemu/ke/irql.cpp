// IRQL, critical and guarded regions: the calling thread's state.
#include "ntemu/api/enter.h"
#include "ntemu/ke/apc.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"

using namespace ntemu;
using namespace ntemu::ke;

KIRQL KeGetCurrentIrql() {
  NT_ENTER(KeGetCurrentIrql);
  return current().irql;
}

KIRQL KfRaiseIrql(KIRQL NewIrql) {
  NT_ENTER(KfRaiseIrql, NewIrql);
  ETHREAD &thread = current();
  const KIRQL old = thread.irql;
  // IRQL_NOT_GREATER_OR_EQUAL
  if (NewIrql < old || NewIrql > HIGH_LEVEL) bugcheck(0x09, old, NewIrql, 0, 0);
  thread.irql = NewIrql;
  return old;
}

KIRQL KeRaiseIrqlToDpcLevel() {
  NT_ENTER(KeRaiseIrqlToDpcLevel);
  return KfRaiseIrql(DISPATCH_LEVEL);
}

VOID KeLowerIrql(KIRQL NewIrql) {
  NT_ENTER(KeLowerIrql, NewIrql);
  ETHREAD &thread = current();
  if (NewIrql > thread.irql)
    bugcheck(0x0A, 0, thread.irql, 0, reinterpret_cast<ULONG_PTR>(__builtin_return_address(0)));
  thread.irql = NewIrql;
  check_apcs(thread);
}

VOID KeEnterCriticalRegion() {
  NT_ENTER(KeEnterCriticalRegion);
  --current().Tcb.KernelApcDisable;
}

VOID KeLeaveCriticalRegion() {
  NT_ENTER(KeLeaveCriticalRegion);
  ETHREAD &thread = current();
  if (++thread.Tcb.KernelApcDisable == 0) check_apcs(thread);
}

VOID KeEnterGuardedRegion() {
  NT_ENTER(KeEnterGuardedRegion);
  --current().Tcb.SpecialApcDisable;
}

VOID KeLeaveGuardedRegion() {
  NT_ENTER(KeLeaveGuardedRegion);
  ETHREAD &thread = current();
  if (++thread.Tcb.SpecialApcDisable == 0) check_apcs(thread);
}

BOOLEAN KeAreApcsDisabled() {
  NT_ENTER(KeAreApcsDisabled);
  return current().Tcb.CombinedApcDisable != 0;
}

BOOLEAN KeAreAllApcsDisabled() {
  NT_ENTER(KeAreAllApcsDisabled);
  const ETHREAD &thread = current();
  return thread.Tcb.SpecialApcDisable != 0 || thread.irql >= APC_LEVEL;
}

PKTHREAD KeGetCurrentThread() {
  NT_ENTER(KeGetCurrentThread);
  return &current().Tcb;
}
