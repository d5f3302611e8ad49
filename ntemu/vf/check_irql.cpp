// Force IRQL checking: what drivers do to the IRQL, and at which IRQL they use locks and wait.
#include "ntemu/ke/processor.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

bool in_dpc(const ETHREAD &thread) {
  return thread.irql >= DISPATCH_LEVEL && thread.processor &&
         thread.processor->runs_dpcs.load(std::memory_order_relaxed);
}

void raise_to(const Call &call, KIRQL wanted) {
  const KIRQL now = current_irql();
  if (wanted < now || wanted > HIGH_LEVEL) report(call, "the IRQL cannot be raised to that", 0x30, now, wanted);
}
void check_raise(const Call &call, ULONG) { raise_to(call, static_cast<KIRQL>(call.arguments[0])); }
void check_raise_to_dispatch(const Call &call, ULONG) { raise_to(call, DISPATCH_LEVEL); }
void check_raise_to_synch(const Call &call, ULONG) { raise_to(call, SYNCH_LEVEL); }

void check_lower(const Call &call, ULONG) {
  const ETHREAD &thread = ke::current();
  const auto wanted = static_cast<KIRQL>(call.arguments[0]);
  if (wanted > thread.irql) report(call, "the IRQL cannot be lowered to that", 0x31, thread.irql, wanted, 0);
  if (wanted < DISPATCH_LEVEL && in_dpc(thread))
    report(call, "a DPC has to stay at DISPATCH_LEVEL", 0x31, thread.irql, wanted, 1);
}

void check_spin_acquire(const Call &call, ULONG) {
  if (current_irql() > DISPATCH_LEVEL)
    report(call, "a spin lock is acquired at IRQL <= DISPATCH_LEVEL", 0x42, current_irql(), call.arguments[0]);
}
void check_spin_acquire_at_dpc(const Call &call, ULONG) {
  if (current_irql() < DISPATCH_LEVEL)
    report(call, "the caller has to be at DISPATCH_LEVEL", 0x40, current_irql(), call.arguments[0]);
}
void check_spin_release(const Call &call, ULONG) {
  if (current_irql() != DISPATCH_LEVEL)
    report(call, "a spin lock is released at DISPATCH_LEVEL: perhaps this one was released before", 0x32,
           current_irql(), call.arguments[0]);
}
void check_spin_release_from_dpc(const Call &call, ULONG) {
  if (current_irql() < DISPATCH_LEVEL)
    report(call, "the caller has to be at DISPATCH_LEVEL", 0x41, current_irql(), call.arguments[0]);
}
// The table of the bugcheck has no row for these alone.
void check_queued_release(const Call &call, ULONG) {
  const auto *handle = pointer<const KLOCK_QUEUE_HANDLE>(call, 0);
  if (current_irql() != DISPATCH_LEVEL)
    report(call, "a queued spin lock is released at DISPATCH_LEVEL", 0x35, current_irql(),
           address_of(handle->LockQueue.Lock), handle->OldIrql);
}

void check_fast_acquire(const Call &call, ULONG) {
  if (current_irql() > APC_LEVEL)
    report(call, "a fast mutex is acquired at IRQL <= APC_LEVEL", 0x33, current_irql(), call.arguments[0]);
}
void check_fast_release(const Call &call, ULONG) {
  if (current_irql() != APC_LEVEL)
    report(call, "a fast mutex is released at APC_LEVEL", 0x34, current_irql(), call.arguments[0]);
}
// A critical region does as well as APC_LEVEL.
bool is_safe_for_unsafe(const ETHREAD &thread) { return thread.irql <= APC_LEVEL && apcs_are_disabled(thread); }
void check_unsafe_acquire(const Call &call, ULONG) {
  const ETHREAD &thread = ke::current();
  if (!is_safe_for_unsafe(thread))
    report(call, "APCs have to be disabled, at IRQL <= APC_LEVEL", 0x39, thread.irql, thread.Tcb.CombinedApcDisable,
           call.arguments[0]);
}
void check_unsafe_release(const Call &call, ULONG) {
  const ETHREAD &thread = ke::current();
  if (!is_safe_for_unsafe(thread))
    report(call, "APCs have to be disabled, at IRQL <= APC_LEVEL", 0x3A, thread.irql, thread.Tcb.CombinedApcDisable,
           call.arguments[0]);
}

// The first parameter is where the IRQL is kept: it stays readable in a dump.
void check_wait_at(const Call &call, const void *object, const LARGE_INTEGER *timeout) {
  const ETHREAD &thread = ke::current();
  const ULONG_PTR irql_at = address_of(&thread.irql);
  if (thread.irql > DISPATCH_LEVEL)
    report(call, "a wait needs IRQL <= DISPATCH_LEVEL", 0x120, irql_at, address_of(object), address_of(timeout));
  if (thread.irql < DISPATCH_LEVEL) return;
  if (!timeout) report(call, "a wait without a limit needs IRQL <= APC_LEVEL", 0x121, irql_at, address_of(object), 0);
  if (timeout->QuadPart != 0)
    report(call, "a wait needs IRQL <= APC_LEVEL: its limit is not 0", 0x122, irql_at, address_of(object),
           address_of(timeout));
}
void check_wait_single(const Call &call, ULONG) {
  check_wait_at(call, pointer<void>(call, 0), pointer<LARGE_INTEGER>(call, 4));
}
void check_wait_multiple(const Call &call, ULONG) {
  const auto count = static_cast<ULONG>(call.arguments[0]);
  void **objects = pointer<void *>(call, 1);
  check_wait_at(call, count != 0 ? objects[0] : nullptr, pointer<LARGE_INTEGER>(call, 6));
}
void check_delay(const Call &call, ULONG) {
  if (current_irql() > APC_LEVEL)
    report(call, "a thread sleeps at IRQL <= APC_LEVEL", 0x3B, current_irql(), 0, call.arguments[2]);
}
void check_queue_wait(const Call &call, ULONG) {
  const auto *timeout = pointer<LARGE_INTEGER>(call, 2);
  if (current_irql() > DISPATCH_LEVEL || (current_irql() == DISPATCH_LEVEL && (!timeout || timeout->QuadPart != 0)))
    report(call, "a wait needs IRQL <= APC_LEVEL", 0x3B, current_irql(), call.arguments[0], address_of(timeout));
}

void check_set_event(const Call &call, ULONG) {
  if (current_irql() > DISPATCH_LEVEL)
    report(call, "an event is set at IRQL <= DISPATCH_LEVEL", 0x80, current_irql(), call.arguments[0]);
}
void check_enter_region(const Call &call, ULONG) {
  if (current_irql() > APC_LEVEL)
    report(call, "a critical region is entered at IRQL <= APC_LEVEL", 0x11A, current_irql());
}
void check_leave_region(const Call &call, ULONG) {
  if (current_irql() > APC_LEVEL) report(call, "a critical region is left at IRQL <= APC_LEVEL", 0x11B, current_irql());
}

}  // namespace

void add_irql_checks() {
  const auto add = [](Id id, CallCheck check) { add_call_check(id, kForceIrql, check); };
  add(Id::KfRaiseIrql, check_raise);
  add(Id::KeRaiseIrqlToDpcLevel, check_raise_to_dispatch);
  add(Id::KeRaiseIrqlToSynchLevel, check_raise_to_synch);
  add(Id::KeLowerIrql, check_lower);
  add(Id::KeAcquireSpinLockRaiseToDpc, check_spin_acquire);
  add(Id::KeAcquireInStackQueuedSpinLock, check_spin_acquire);
  add(Id::KeAcquireSpinLockAtDpcLevel, check_spin_acquire_at_dpc);
  add(Id::KeAcquireInStackQueuedSpinLockAtDpcLevel, check_spin_acquire_at_dpc);
  add(Id::KeTryToAcquireSpinLockAtDpcLevel, check_spin_acquire_at_dpc);
  add(Id::KeReleaseSpinLock, check_spin_release);
  add(Id::KeReleaseSpinLockFromDpcLevel, check_spin_release_from_dpc);
  add(Id::KeReleaseInStackQueuedSpinLock, check_queued_release);
  add(Id::ExAcquireFastMutex, check_fast_acquire);
  add(Id::ExTryToAcquireFastMutex, check_fast_acquire);
  add(Id::ExReleaseFastMutex, check_fast_release);
  add(Id::ExAcquireFastMutexUnsafe, check_unsafe_acquire);
  add(Id::ExReleaseFastMutexUnsafe, check_unsafe_release);
  add(Id::KeWaitForSingleObject, check_wait_single);
  add(Id::KeWaitForMultipleObjects, check_wait_multiple);
  add(Id::KeDelayExecutionThread, check_delay);
  add(Id::KeRemoveQueue, check_queue_wait);
  add(Id::KeSetEvent, check_set_event);
  add(Id::KeEnterCriticalRegion, check_enter_region);
  add(Id::KeLeaveCriticalRegion, check_leave_region);
}

}  // namespace ntemu::vf
