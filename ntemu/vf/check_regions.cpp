// What is checked in every verified driver, whatever its options: locks that need APCs disabled, and critical regions.
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

void check_leave(const Call &call, ULONG) {
  if (ke::current().Tcb.KernelApcDisable >= 0) report(call, "the thread is in no critical region", 0x3E);
}

template <ULONG_PTR kKind>
void check_disabled(const Call &call, ULONG) {
  const ETHREAD &thread = ke::current();
  if (!apcs_are_disabled(thread))
    report(call, "APCs have to be disabled, as by KeEnterCriticalRegion", kKind, thread.irql,
           thread.Tcb.CombinedApcDisable, call.arguments[0]);
}

}  // namespace

void add_region_checks() {
  add_call_check(Id::KeLeaveCriticalRegion, kAlways, check_leave);
  for (const Id id : {Id::ExAcquireResourceExclusiveLite, Id::ExAcquireResourceSharedLite,
                      Id::ExAcquireSharedStarveExclusive, Id::ExAcquireSharedWaitForExclusive})
    add_call_check(id, kAlways, check_disabled<0x37>);
  add_call_check(Id::ExReleaseResourceLite, kAlways, check_disabled<0x38>);
  for (const Id id : {Id::ExAcquirePushLockExclusiveEx, Id::ExAcquirePushLockSharedEx,
                      Id::ExTryAcquirePushLockExclusiveEx, Id::ExTryAcquirePushLockSharedEx})
    add_call_check(id, kAlways, check_disabled<0xEA>);
  for (const Id id : {Id::ExReleasePushLockExclusiveEx, Id::ExReleasePushLockSharedEx, Id::ExReleasePushLockEx})
    add_call_check(id, kAlways, check_disabled<0xEB>);
}

}  // namespace ntemu::vf
