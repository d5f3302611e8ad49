#include "ntemu/ke/timer.h"

#include <algorithm>

#include "ntemu/api/enter.h"
#include "ntemu/ke/timer_expiry.h"

namespace ntemu::ke {
namespace {

bool is_retired(const KTIMER &timer) {
  return timer.TimerType == kCalloutTimer && reinterpret_cast<const CalloutTimer &>(timer).retired;
}

void reset(KTIMER &timer, bool absolute) {
  {
    DispatcherLock lock;
    set_state(timer.Header, 0);
  }
  change_bits(timer, kTimerAbsolute, absolute ? kTimerAbsolute : 0);
}

}  // namespace

void initialize_timer(KTIMER &timer, TIMER_TYPE type, TimerKind kind) {
  initialize_header(timer.Header, type == NotificationTimer ? kNotificationTimer : kSynchronizationTimer, 0, 0);
  timer.DueTime.QuadPart = 0;
  timer.TimerListEntry = {};
  timer.Dpc = nullptr;
  timer.Processor = 0;
  timer.TimerType = kind;
  timer.Period = 0;
}

bool set_timer(KTIMER &timer, base::Nt100ns due_time, base::Nt100ns period, PKDPC dpc) {
  Timers &all = timers();
  const base::Deadline deadline = base::clock().deadline(due_time);
  // Only the thread that expires timers calls back: here a lock may be held that the callback takes.
  const bool due = timer.TimerType != kCalloutTimer && base::clock().has_come(deadline);
  const bool raise = due && dpc;
  const KIRQL irql = raise ? KfRaiseIrql(DISPATCH_LEVEL) : PASSIVE_LEVEL;
  bool was_set;
  {
    WakeList wakes;
    base::Guard guard(all.mutex);
    if (is_retired(timer)) return false;
    was_set = is_set(timer);
    if (was_set) remove_timer(all, timer);
    timer.DueTime.QuadPart = static_cast<ULONGLONG>(deadline.when);
    timer.Dpc = dpc;
    timer.Period = static_cast<ULONG>(period / base::kNtPerMillisecond);
    if (timer.TimerType == kCalloutTimer) reinterpret_cast<CalloutTimer &>(timer).period = period;
    reset(timer, deadline.absolute);
    if (due) {
      expire_timer(all, timer, wakes);
    } else {
      insert_timer(all, timer, deadline.absolute);
    }
  }
  if (raise) KeLowerIrql(irql);
  return was_set;
}

bool cancel_timer(KTIMER &timer) {
  Timers &all = timers();
  base::Guard guard(all.mutex);
  if (is_retired(timer) || !is_set(timer)) return false;
  remove_timer(all, timer);
  return true;
}

bool retire_timer(CalloutTimer &timer, bool cancel, bool &cancelled, const std::function<void()> &prepare) {
  Timers &all = timers();
  bool released;
  cancelled = false;
  {
    base::Guard guard(all.mutex);
    if (timer.retired) return false;
    timer.retired = true;
    prepare();
    timer.period = 0;
    timer.timer.Period = 0;
    cancelled = cancel && is_set(timer.timer);
    if (cancelled) remove_timer(all, timer.timer);
    released = is_released(timer);
  }
  if (released) timer.released(timer);
  return true;
}

}  // namespace ntemu::ke

using namespace ntemu;
using namespace ntemu::ke;

namespace {

KTIMER &check_timer(PKTIMER timer, const void *caller) {
  check_object(timer, kTimers, caller);
  return *timer;
}

}  // namespace

VOID KeInitializeTimer(PKTIMER Timer) {
  NT_ENTER(KeInitializeTimer, Timer);
  initialize_timer(*Timer, NotificationTimer, kPlainTimer);
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type) {
  NT_ENTER(KeInitializeTimerEx, Timer, Type);
  initialize_timer(*Timer, Type, kPlainTimer);
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc) {
  NT_ENTER(KeSetTimer, Timer, DueTime, Dpc);
  return set_timer(check_timer(Timer, __builtin_return_address(0)), DueTime.QuadPart, 0, Dpc);
}

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc) {
  NT_ENTER(KeSetTimerEx, Timer, DueTime, Period, Dpc);
  const base::Nt100ns period = std::max<LONG>(Period, 0) * base::kNtPerMillisecond;
  return set_timer(check_timer(Timer, __builtin_return_address(0)), DueTime.QuadPart, period, Dpc);
}

BOOLEAN KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period, ULONG TolerableDelay, PKDPC Dpc) {
  NT_ENTER(KeSetCoalescableTimer, Timer, DueTime, Period, TolerableDelay, Dpc);
  const base::Nt100ns period = Period * base::kNtPerMillisecond;
  return set_timer(check_timer(Timer, __builtin_return_address(0)), DueTime.QuadPart, period, Dpc);
}

BOOLEAN KeCancelTimer(PKTIMER Timer) {
  NT_ENTER(KeCancelTimer, Timer);
  return cancel_timer(check_timer(Timer, __builtin_return_address(0)));
}

BOOLEAN KeReadStateTimer(PKTIMER Timer) {
  NT_ENTER(KeReadStateTimer, Timer);
  return signal_state(check_timer(Timer, __builtin_return_address(0)).Header) != 0;
}
