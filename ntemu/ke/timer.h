// Timers: what sets them, and what the layers above build on them.
#pragma once

#include <functional>

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

inline constexpr ULONG kTimers = 1u << kNotificationTimer | 1u << kSynchronizationTimer;

// KTIMER.TimerType
enum TimerKind : USHORT { kPlainTimer, kCalloutTimer };

// A timer that calls back instead of queueing a DPC, with a period that need not be whole milliseconds. It lives until
// `released`, which retire_timer brings about.
struct CalloutTimer {
  KTIMER timer;
  base::Nt100ns period;
  void (*expired)(CalloutTimer &);   // or null; at DISPATCH_LEVEL, no lock held
  void (*released)(CalloutTimer &);  // retired, not set and in no call: the timer is its owner's alone; <= DISPATCH
  // Guarded by the timers' lock.
  ULONG calls;  // of `expired`, under way
  bool retired;
};

void initialize_timer(KTIMER &timer, TIMER_TYPE type, TimerKind kind);
// `due_time` as KeSetTimer's, `period` 0 for none. Whether the timer was set already. No effect on a retired one.
bool set_timer(KTIMER &timer, base::Nt100ns due_time, base::Nt100ns period, PKDPC dpc);
bool cancel_timer(KTIMER &timer);
// Never to be set again; cancelled now (`cancelled` says whether it was set), or after it has expired once more.
// `prepare` runs first, under the timers' lock; `released` comes once, perhaps before this returns. False, and no
// effect, when it was retired before.
bool retire_timer(CalloutTimer &timer, bool cancel, bool &cancelled, const std::function<void()> &prepare);

void boot_timers();
// Before the threads end, on whose stacks timers may lie: lets go of those that are still set. False when one of their
// callbacks or DPCs still ran after `patience` of host time.
bool stop_timers(base::Nt100ns patience);

// The DPC of a timer that is set, which lies in those bytes or whose routine does; null when there is none.
PKDPC find_timer_dpc(const void *start, size_t bytes);

// The timers whose expiry will set something going: with a waiter, a DPC or a callback. Those due within `limit`, and
// the later ones.
struct PendingTimers {
  size_t soon = 0, later = 0;
};
PendingTimers count_pending_timers(base::Nt100ns limit);

// A timer that is set and lies in those bytes; null when none does.
const KTIMER *find_set_timer(const void *start, size_t bytes);

}  // namespace ntemu::ke
