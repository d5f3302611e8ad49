// Timers by handle and name.
#include "ntemu/api/enter.h"
#include "ntemu/base/clock.h"
#include "ntemu/ke/timer_table.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace ntemu::ob {
namespace {

void delete_timer(void *body) { KeCancelTimer(static_cast<PKTIMER>(body)); }

}  // namespace

_OBJECT_TYPE timer_type{
    .name = u"Timer",
    .valid_access = TIMER_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ | TIMER_QUERY_STATE, STANDARD_RIGHTS_WRITE | TIMER_MODIFY_STATE,
                        STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, TIMER_ALL_ACCESS},
    .dispatcher_offset = 0,
    .on_delete = delete_timer};

}  // namespace ntemu::ob

namespace {

Result<ob::Ref<KTIMER>> timer_of(HANDLE handle, ACCESS_MASK access) {
  return ob::referenced<KTIMER>(handle, access, ob::timer_type, KernelMode);
}

}  // namespace

NTSTATUS ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       TIMER_TYPE TimerType) {
  NT_ENTER(ZwCreateTimer, TimerHandle, DesiredAccess, ObjectAttributes, TimerType);
  if (TimerType != NotificationTimer && TimerType != SynchronizationTimer) return STATUS_INVALID_PARAMETER_4;
  auto *timer = static_cast<PKTIMER>(ob::create(ob::timer_type, sizeof(KTIMER)));
  if (!timer) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeTimerEx(timer, TimerType);
  return ob::open_new(timer, DesiredAccess, ObjectAttributes, TimerHandle);
}

NTSTATUS ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenTimer, TimerHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::timer_type, DesiredAccess, ObjectAttributes, TimerHandle);
}

NTSTATUS ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext,
                    BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState) {
  NT_ENTER(ZwSetTimer, TimerHandle, DueTime, TimerApcRoutine, TimerContext, ResumeTimer, Period, PreviousState);
  if (Period < 0) return STATUS_INVALID_PARAMETER_6;
  if (TimerApcRoutine) return STATUS_NOT_SUPPORTED;
  const auto timer = timer_of(TimerHandle, TIMER_MODIFY_STATE);
  if (!timer) return timer.status();
  const BOOLEAN before = KeReadStateTimer(timer->get());
  KeSetTimerEx(timer->get(), *DueTime, Period, nullptr);
  if (PreviousState) *PreviousState = before;
  // Nothing sleeps here that could be woken: the timer is set all the same.
  return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

NTSTATUS ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState) {
  NT_ENTER(ZwCancelTimer, TimerHandle, CurrentState);
  const auto timer = timer_of(TimerHandle, TIMER_MODIFY_STATE);
  if (!timer) return timer.status();
  KeCancelTimer(timer->get());
  if (CurrentState) *CurrentState = KeReadStateTimer(timer->get());
  return STATUS_SUCCESS;
}

NTSTATUS ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
                      ULONG TimerInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQueryTimer, TimerHandle, TimerInformationClass, TimerInformation, TimerInformationLength, ReturnLength);
  const NTSTATUS status = ob::check_basic_query<TIMER_BASIC_INFORMATION>(TimerInformationClass, TimerInformationLength);
  if (!NT_SUCCESS(status)) return status;
  const auto timer = timer_of(TimerHandle, TIMER_QUERY_STATE);
  if (!timer) return timer.status();
  auto &information = *static_cast<PTIMER_BASIC_INFORMATION>(TimerInformation);
  information.TimerState = KeReadStateTimer(timer->get());
  const auto due = static_cast<LONGLONG>(__atomic_load_n(&(*timer)->DueTime.QuadPart, __ATOMIC_RELAXED));
  base::Clock &clock = base::clock();
  const bool absolute = ke::is_absolute(**timer);
  information.RemainingTime.QuadPart = due - (absolute ? clock.system_time() : clock.interrupt_time());
  if (ReturnLength) *ReturnLength = sizeof information;
  return STATUS_SUCCESS;
}
