// IRQL, critical and guarded regions: the calling thread's state.
#include "ntemu/api/enter.h"
#include "ntemu/ke/apc.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/processor.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

// IRQL_NOT_GREATER_OR_EQUAL, IRQL_NOT_LESS_OR_EQUAL
[[noreturn]] __attribute__((noinline)) void cannot_raise(KIRQL from, KIRQL to) { bugcheck(0x09, from, to, 0, 0); }
[[noreturn]] __attribute__((noinline)) void cannot_lower(KIRQL from, const void *caller) {
  bugcheck(0x0A, 0, from, 0, reinterpret_cast<ULONG_PTR>(caller));
}

inline KIRQL raise(KIRQL irql) {
  ETHREAD &thread = current();
  if (irql < thread.irql || irql > HIGH_LEVEL) [[unlikely]]
    cannot_raise(thread.irql, irql);
  return raise_irql(thread, irql);
}

}  // namespace

KIRQL KeGetCurrentIrql() {
  NT_ENTER(KeGetCurrentIrql);
  return current().irql;
}

KIRQL KfRaiseIrql(KIRQL NewIrql) {
  NT_ENTER(KfRaiseIrql, NewIrql);
  return raise(NewIrql);
}

KIRQL KeRaiseIrqlToDpcLevel() {
  NT_ENTER(KeRaiseIrqlToDpcLevel);
  return raise(DISPATCH_LEVEL);
}

KIRQL KeRaiseIrqlToSynchLevel() {
  NT_ENTER(KeRaiseIrqlToSynchLevel);
  return raise(SYNCH_LEVEL);
}

VOID KeLowerIrql(KIRQL NewIrql) {
  NT_ENTER(KeLowerIrql, NewIrql);
  ETHREAD &thread = current();
  if (NewIrql > thread.irql) [[unlikely]]
    cannot_lower(thread.irql, __builtin_return_address(0));
  lower_irql(thread, NewIrql);
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
