// What a dispatch or completion routine has to leave as it was: IRQL, regions, spin locks.
#include "ntemu/vf/check_routine.h"

#include "ntemu/io/irp.h"
#include "ntemu/vf/call_check.h"
#include "ntemu/vf/rules.h"

namespace ntemu::vf {
namespace {

struct Before {
  KIRQL irql;
  ULONG apcs;
  uint32_t spin_locks;
};

// Those that the thread is known to hold.
uint32_t count_spin_locks(const ETHREAD &thread) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < thread.held.known(); ++i)
    count += thread.held[i].lock && thread.held[i].kind() == ke::LockKind::kSpinLock;
  return count;
}

Before look() {
  const ETHREAD &thread = ke::current();
  return {thread.irql, thread.Tcb.CombinedApcDisable, count_spin_locks(thread)};
}

[[noreturn]] void broken(const void *routine, ULONG rule, const char *condition) {
  report_routine(routine, condition, 0xC4, rule, address_of(condition));
}

void check_dispatch(const void *routine, PDEVICE_OBJECT device, const Before &before, ULONG options) {
  const ETHREAD &thread = ke::current();
  if ((options & kDdiCompliance) && count_spin_locks(thread) > before.spin_locks)
    broken(routine, kRuleSpinLock, "SpinLock: a dispatch routine returns with a spin lock held");
  if (thread.irql != before.irql) {
    if (options & kIo)
      report_routine(routine, "a dispatch routine returns at another IRQL", 0xC9, 0x05, address_of(device), before.irql,
                     thread.irql);
    if (options & kDdiCompliance)
      broken(routine, kRuleIrqlReturn, "IrqlReturn: a dispatch routine returns at another IRQL than it was called at");
  }
  const ULONG now = thread.Tcb.CombinedApcDisable;
  if (now == before.apcs) return;
  if (options & kIo)
    report_routine(routine, "a dispatch routine has changed the thread's APC disable count", 0xC4, 0xC5,
                   address_of(routine), now, before.apcs);
  if (!(options & kDdiCompliance)) return;
  if (static_cast<USHORT>(now) != static_cast<USHORT>(before.apcs))
    broken(routine, kRuleCriticalRegions, "CriticalRegions: a dispatch routine returns within a critical region");
  broken(routine, kRuleGuardedRegions, "GuardedRegions: a dispatch routine returns within a guarded region");
}

constexpr ULONG kBuffers = DO_BUFFERED_IO | DO_DIRECT_IO;

NTSTATUS call_dispatch(PDRIVER_DISPATCH routine, PDEVICE_OBJECT device, PIRP irp) {
  const auto at = reinterpret_cast<const void *>(routine);
  const ULONG options = options_at(at);
  if (!(options & (kIo | kDdiCompliance))) return routine(device, irp);
  if ((options & kIo) && (device->Flags & kBuffers) == kBuffers)
    report_routine(at, "its device has both DO_BUFFERED_IO and DO_DIRECT_IO", 0xC9, 0x245, address_of(at), 0,
                   address_of(device));
  const Before before = look();
  const NTSTATUS status = routine(device, irp);
  check_dispatch(at, device, before, options);
  if ((options & kIo) && status == -1)
    report_routine(at, "a dispatch routine returns no status", 0xC9, 0x225, address_of(at), address_of(irp),
                   address_of(device));
  return status;
}

NTSTATUS call_completion(PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  const auto at = reinterpret_cast<const void *>(routine);
  if (!(options_at(at) & kIo)) return routine(device, irp, context);
  const Before before = look();
  const NTSTATUS status = routine(device, irp, context);
  const ETHREAD &thread = ke::current();
  if (thread.irql != before.irql)
    report_routine(at, "a completion routine returns at another IRQL", 0xC4, 0xFA, address_of(at), before.irql,
                   thread.irql);
  if (thread.Tcb.CombinedApcDisable != before.apcs)
    report_routine(at, "a completion routine has changed the thread's APC disable count", 0xC4, 0xFB, address_of(at),
                   thread.Tcb.CombinedApcDisable, before.apcs);
  // One that keeps the IRP marks it later, if at all.
  const bool goes_on = status != STATUS_MORE_PROCESSING_REQUIRED && irp->CurrentLocation <= irp->StackCount;
  if (goes_on && irp->PendingReturned && !(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED))
    report_routine(at, "a completion routine has not marked the IRP pending", 0xC9, 0x228, address_of(at),
                   address_of(irp), address_of(device));
  return status;
}

constexpr io::RoutineCalls kCalls{call_dispatch, call_completion};

}  // namespace

void watch_routines() { io::routine_calls.store(&kCalls, std::memory_order_release); }
void stop_watching_routines() { io::routine_calls.store(nullptr, std::memory_order_release); }

}  // namespace ntemu::vf
