// DDI compliance checking: at which IRQL Microsoft's rules allow which calls, and what has to come in pairs.
#include "ntemu/vf/rules.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

constexpr ULONG kAt = 0x100;  // added to the IRQL that is the only one allowed

struct Rule {
  ULONG code;
  const char *name;
  ULONG limit;
  std::vector<Id> calls;
};

// What is not implemented has its row too: its stub ends the machine before the rule would.
const std::vector<Rule> &rules() {
  static const auto *all = new std::vector<Rule>{
      {0x20003,
       "IrqlDispatch",
       kAt | DISPATCH_LEVEL,
       {Id::IoStartNextPacket, Id::KeAcquireSpinLockAtDpcLevel, Id::KeInsertByKeyDeviceQueue, Id::KeInsertDeviceQueue,
        Id::KeReleaseSpinLockFromDpcLevel, Id::KeRemoveByKeyDeviceQueue, Id::KeRemoveDeviceQueue}},
      {0x20004, "IrqlExAllocatePool", DISPATCH_LEVEL, {Id::ExAllocatePoolWithTag, Id::ExAllocatePoolWithTagPriority}},
      {0x20005, "IrqlExApcLte1", APC_LEVEL, {Id::ExAcquireFastMutex, Id::ExTryToAcquireFastMutex}},
      {0x20006,
       "IrqlExApcLte2",
       APC_LEVEL,
       {Id::CmRegisterCallback, Id::CmUnRegisterCallback, Id::ExAllocateFromPagedLookasideList,
        Id::ExDeletePagedLookasideList, Id::ExFreeToPagedLookasideList, Id::ExInitializePagedLookasideList,
        Id::ExRegisterCallback, Id::ExSetTimerResolution, Id::ExUnregisterCallback, Id::ProbeForRead,
        Id::ProbeForWrite}},
      {0x20007,
       "IrqlExApcLte3",
       APC_LEVEL,
       {Id::ExAcquireResourceExclusiveLite, Id::ExAcquireResourceSharedLite, Id::ExAcquireSharedStarveExclusive,
        Id::ExAcquireSharedWaitForExclusive, Id::ExConvertExclusiveToSharedLite, Id::ExDeleteResourceLite}},
      {0x20008,
       "IrqlExPassive",
       PASSIVE_LEVEL,
       {Id::ExCreateCallback, Id::ExIsProcessorFeaturePresent, Id::ExRaiseAccessViolation,
        Id::ExRaiseDatatypeMisalignment, Id::ExUuidCreate}},
      {0x20008, "IrqlExPassive", APC_LEVEL, {Id::ExRaiseStatus}},
      {0x20009,
       "IrqlIoApcLte",
       APC_LEVEL,
       {Id::IoDeleteDevice, Id::IoRaiseHardError, Id::IoRaiseInformationalHardError}},
      {0x2000A,
       "IrqlIoPassive1",
       PASSIVE_LEVEL,
       {Id::IoAttachDevice, Id::IoCreateDevice, Id::IoSetDeviceInterfaceState}},
      {0x2000A, "IrqlIoPassive1", APC_LEVEL, {Id::IoBuildDeviceIoControlRequest}},
      {0x2000B, "IrqlIoPassive2", PASSIVE_LEVEL, {Id::IoCheckShareAccess, Id::IoConnectInterrupt}},
      {0x2000C, "IrqlIoPassive3", PASSIVE_LEVEL, {Id::IoDetachDevice, Id::IoRegisterDeviceInterface}},
      {0x2000D,
       "IrqlIoPassive4",
       PASSIVE_LEVEL,
       {Id::IoCreateNotificationEvent, Id::IoCreateSymbolicLink, Id::IoCreateSynchronizationEvent,
        Id::IoCreateUnprotectedSymbolicLink, Id::IoDeleteSymbolicLink, Id::IoDisconnectInterrupt}},
      {0x2000E,
       "IrqlIoPassive5",
       PASSIVE_LEVEL,
       {Id::IoGetDeviceObjectPointer, Id::IoInitializeTimer, Id::IoRegisterDriverReinitialization,
        Id::IoRegisterShutdownNotification, Id::IoRemoveShareAccess, Id::IoSetShareAccess,
        Id::IoUnregisterShutdownNotification, Id::IoUpdateShareAccess}},
      {0x2000F,
       "IrqlKeApcLte1",
       APC_LEVEL,
       {Id::KeAcquireGuardedMutex, Id::KeAcquireGuardedMutexUnsafe, Id::KeDelayExecutionThread,
        Id::KeQueryActiveProcessors, Id::KeReleaseGuardedMutex, Id::KeReleaseGuardedMutexUnsafe,
        Id::KeTryToAcquireGuardedMutex}},
      {0x20010,
       "IrqlKeApcLte2",
       APC_LEVEL,
       {Id::KeEnterCriticalRegion, Id::KeEnterGuardedRegion, Id::KeLeaveCriticalRegion, Id::KeLeaveGuardedRegion}},
      {0x20011,
       "IrqlKeDispatchLte",
       DISPATCH_LEVEL,
       {Id::KeAcquireSpinLockRaiseToDpc, Id::KeCancelTimer, Id::KeClearEvent, Id::KeInitializeDeviceQueue,
        Id::KeInitializeTimer, Id::KeInitializeTimerEx, Id::KePulseEvent, Id::KeRaiseIrqlToDpcLevel,
        Id::KeReadStateEvent, Id::KeReadStateTimer, Id::KeReleaseMutex, Id::KeRemoveEntryDeviceQueue, Id::KeResetEvent,
        Id::KeSetTimer, Id::KeSetTimerEx}},
      {0x20015, "IrqlKeReleaseSpinLock", kAt | DISPATCH_LEVEL, {Id::KeReleaseSpinLock}},
      {0x20016, "IrqlKeSetEvent", DISPATCH_LEVEL, {Id::KeSetEvent}},
      {0x20019,
       "IrqlMmApcLte",
       APC_LEVEL,
       {Id::MmAllocateNonCachedMemory, Id::MmFreeNonCachedMemory, Id::MmAllocatePagesForMdl, Id::MmFreePagesFromMdl,
        Id::MmLockPagableDataSection, Id::MmPageEntireDriver, Id::MmResetDriverPaging, Id::MmSecureVirtualMemory,
        Id::MmUnlockPagableImageSection, Id::MmUnsecureVirtualMemory}},
      {0x2001A, "IrqlMmDispatch", DISPATCH_LEVEL, {Id::MmFreeContiguousMemory}},
      {0x2001B, "IrqlObPassive", PASSIVE_LEVEL, {Id::ObReferenceObjectByHandle}},
      {0x2001C,
       "IrqlPsPassive",
       PASSIVE_LEVEL,
       {Id::PsCreateSystemThread, Id::PsGetVersion, Id::PsSetCreateProcessNotifyRoutine,
        Id::PsSetCreateThreadNotifyRoutine, Id::PsSetLoadImageNotifyRoutine, Id::PsTerminateSystemThread}},
      {0x2001E, "IrqlRtlPassive", PASSIVE_LEVEL, {Id::RtlDeleteRegistryValue}},
      {0x2001F, "IrqlZwPassive", PASSIVE_LEVEL, {Id::ZwClose}},
      {0x20022, "IrqlIoDispatch", DISPATCH_LEVEL, {Id::IoGetDeviceToVerify, Id::IoSetDeviceToVerify}},
  };
  return *all;
}

// Where the bugcheck's second parameter points: it has to outlive the stack, and belongs to whoever is stopped.
thread_local char violated[160];

[[noreturn]] void broken(const Call &call, const Rule &rule) {
  const auto limit = rule.limit & ~kAt;
  *fmt::format_to_n(violated, sizeof violated - 1, "{}: {} is called at IRQL {}, allowed is {} {}", rule.name,
                    api::entry(call.id).name, current_irql(), rule.limit & kAt ? "only" : "up to", limit)
       .out = 0;
  report(call, violated, rule.code, address_of(violated));
}

[[noreturn]] void broken(const Call &call, ULONG code, const char *condition) {
  report(call, condition, code, address_of(condition));
}

void check_irql(const Call &call, ULONG) {
  const KIRQL now = current_irql();
  for (const Rule &rule : rules()) {
    for (const Id id : rule.calls) {
      if (id != call.id) continue;
      if (rule.limit & kAt ? now != (rule.limit & ~kAt) : now > rule.limit) broken(call, rule);
      return;
    }
  }
}

// At DISPATCH_LEVEL the wait that is announced could not follow.
void check_set_event(const Call &call, ULONG options) {
  check_irql(call, options);
  if (static_cast<BOOLEAN>(call.arguments[2]) && current_irql() > APC_LEVEL)
    broken(call, 0x20016, "IrqlKeSetEvent: KeSetEvent with Wait needs IRQL <= APC_LEVEL");
}

void check_leave_guarded(const Call &call, ULONG) {
  if (ke::current().Tcb.SpecialApcDisable >= 0)
    broken(call, kRuleGuardedRegions, "GuardedRegions: the thread is in no guarded region");
}
void check_spin_nesting(const Call &call, ULONG) {
  if (ke::current().held.find(pointer<void>(call, 0)))
    broken(call, kRuleSpinLock, "SpinLock: the thread has acquired this spin lock already");
}
void check_queued_nesting(const Call &call, ULONG) {
  if (ke::current().held.find(pointer<void>(call, 0)))
    broken(call, kRuleQueuedSpinLock, "QueuedSpinLock: the thread has acquired this spin lock already");
}
void check_queued_release(const Call &call, ULONG) {
  const auto lock = reinterpret_cast<ULONG_PTR>(pointer<KLOCK_QUEUE_HANDLE>(call, 0)->LockQueue.Lock);
  const ETHREAD &thread = ke::current();
  if (thread.held.count() > thread.held.known()) return;  // it may be one of those that are only counted
  constexpr ULONG_PTR kBits = 3;
  if (!thread.held.find(reinterpret_cast<const void *>(lock & ~kBits)))
    broken(call, kRuleQueuedSpinLockRelease, "QueuedSpinLockRelease: the thread has not acquired this spin lock");
}

// Calls that the kernel documents for less than DISPATCH_LEVEL, and that no rule above is about.
void check_documented(const Call &call, ULONG) {
  const KIRQL now = current_irql();
  const KIRQL limit = api::entry(call.id).max_irql;
  if (now < DISPATCH_LEVEL || now <= limit) return;
  report(call, "the call is documented for a lower IRQL", 0xE5, now);
}

}  // namespace

void add_rules() {
  const auto add = [](Id id, CallCheck check) { add_call_check(id, kDdiCompliance, check, Stage::kRule); };
  for (const Rule &rule : rules()) {
    for (const Id id : rule.calls) add(id, id == Id::KeSetEvent ? check_set_event : check_irql);
  }
  add(Id::KeLeaveGuardedRegion, check_leave_guarded);
  add(Id::KeAcquireSpinLockRaiseToDpc, check_spin_nesting);
  add(Id::KeAcquireSpinLockAtDpcLevel, check_spin_nesting);
  for (const Id id : {Id::KeAcquireInStackQueuedSpinLock, Id::KeAcquireInStackQueuedSpinLockAtDpcLevel,
                      Id::KeAcquireInStackQueuedSpinLockForDpc})
    add(id, check_queued_nesting);
  for (const Id id : {Id::KeReleaseInStackQueuedSpinLock, Id::KeReleaseInStackQueuedSpinLockFromDpcLevel,
                      Id::KeReleaseInStackQueuedSpinLockForDpc})
    add(id, check_queued_release);
  // Not Rtl: much of it is documented for PASSIVE_LEVEL because its code can be paged out, which ours is not.
  for (const api::Entry &entry : api::table()) {
    if (entry.level == api::Level::Stub || entry.name.starts_with("Rtl")) continue;
    add_call_check(static_cast<Id>(&entry - api::table().data()), kForceIrql, check_documented, Stage::kRule);
  }
}

}  // namespace ntemu::vf
