// Timers that the system allocates: a timer of ke with a callback.
#include "ntemu/ke/timer.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntifs.h"

using namespace ntemu;

// Begins with the KTIMER that drivers wait for.
struct _EX_TIMER {
  ke::CalloutTimer callout;
  PEXT_CALLBACK callback;
  PVOID context;
  PEXT_DELETE_CALLBACK delete_callback;
  PVOID delete_context;
  PKEVENT deleted;  // of the thread that waits for the deletion
};

namespace {

constexpr ULONG kTimerTag = 0x6D547845;  // 'ExTm'

_EX_TIMER &timer_of(ke::CalloutTimer &callout) { return reinterpret_cast<_EX_TIMER &>(callout); }

void expired(ke::CalloutTimer &callout) {
  _EX_TIMER &timer = timer_of(callout);
  timer.callback(&timer, timer.context);
}

void released(ke::CalloutTimer &callout) {
  _EX_TIMER &timer = timer_of(callout);
  const PKEVENT deleted = timer.deleted;
  if (timer.delete_callback) timer.delete_callback(timer.delete_context);
  ExFreePoolWithTag(&timer, kTimerTag);
  if (deleted) KeSetEvent(deleted, IO_NO_INCREMENT, FALSE);
}

[[noreturn]] void misuse(const void *timer, const void *caller) {
  ke::bugcheck(0xC7, reinterpret_cast<ULONG_PTR>(timer), reinterpret_cast<ULONG_PTR>(caller));
}

}  // namespace

PEX_TIMER ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes) {
  NT_ENTER(ExAllocateTimer, Callback, CallbackContext, Attributes);
  if ((Attributes & EX_TIMER_HIGH_RESOLUTION) && (Attributes & EX_TIMER_NO_WAKE)) {
    misuse(nullptr, __builtin_return_address(0));
  }
  auto *timer = static_cast<PEX_TIMER>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(_EX_TIMER), kTimerTag));
  if (!timer) return nullptr;
  const TIMER_TYPE type = Attributes & EX_TIMER_NOTIFICATION ? NotificationTimer : SynchronizationTimer;
  ke::initialize_timer(timer->callout.timer, type, ke::kCalloutTimer);
  timer->callout.expired = Callback ? expired : nullptr;
  timer->callout.released = released;
  timer->callback = Callback;
  timer->context = CallbackContext;
  return timer;
}

BOOLEAN ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period, PEXT_SET_PARAMETERS Parameters) {
  NT_ENTER(ExSetTimer, Timer, DueTime, Period, Parameters);
  if (Parameters && Parameters->NoWakeTolerance < 0 && Parameters->NoWakeTolerance != EX_TIMER_UNLIMITED_TOLERANCE) {
    misuse(Timer, __builtin_return_address(0));
  }
  return ke::set_timer(Timer->callout.timer, DueTime, Period > 0 ? Period : 0, nullptr);
}

BOOLEAN ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters) {
  NT_ENTER(ExCancelTimer, Timer, Parameters);
  return ke::cancel_timer(Timer->callout.timer);
}

BOOLEAN ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PEXT_DELETE_PARAMETERS Parameters) {
  NT_ENTER(ExDeleteTimer, Timer, Cancel, Wait, Parameters);
  if (Wait && !Cancel) misuse(Timer, __builtin_return_address(0));
  KEVENT deleted;
  KeInitializeEvent(&deleted, NotificationEvent, FALSE);
  bool cancelled;
  const bool retired = ke::retire_timer(Timer->callout, Cancel, cancelled, [&] {
    Timer->delete_callback = Parameters ? Parameters->DeleteCallback : nullptr;
    Timer->delete_context = Parameters ? Parameters->DeleteContext : nullptr;
    Timer->deleted = Wait ? &deleted : nullptr;
  });
  if (retired && Wait) KeWaitForSingleObject(&deleted, Executive, KernelMode, FALSE, nullptr);
  return cancelled;
}
