// The state that all timers share, and their expiry.
#pragma once

#include <pthread.h>

#include "ntemu/base/lock.h"
#include "ntemu/ke/timer.h"
#include "ntemu/ke/timer_table.h"
#include "ntemu/ke/wait.h"

namespace ntemu::ke {

struct Timers {
  base::Mutex mutex;                             // taken before the dispatcher lock; no driver runs under it
  TimerTable tables[2] NTEMU_GUARDED_BY(mutex);  // by interrupt time, by system time
  bool started[2] NTEMU_GUARDED_BY(mutex) = {};
  bool ended NTEMU_GUARDED_BY(mutex) = true;
  std::atomic<uint32_t> words[2]{};          // rung when a table has a new earliest timer
  std::atomic<uint32_t> threads{0};          // that expire timers
  size_t calls NTEMU_GUARDED_BY(mutex) = 0;  // of callbacks, under way
  std::atomic<size_t> count{0};              // of set timers and calls
  pthread_t hosts[2];

  TimerTable &table_of(const KTIMER &timer) NTEMU_REQUIRES(mutex) { return tables[is_absolute(timer)]; }
};

Timers &timers();

// The flags in a timer's header, which is otherwise changed with the dispatcher lock held alone.
void change_bits(KTIMER &timer, LONG clear, LONG set);
// Sets a timer whose DueTime is known, and sees to it that it expires.
void insert_timer(Timers &all, KTIMER &timer, bool absolute) NTEMU_REQUIRES(all.mutex);
void remove_timer(Timers &all, KTIMER &timer) NTEMU_REQUIRES(all.mutex);
// A timer that is not set any more expires: it is set again if it is periodic, signaled, and its DPC queued, at
// DISPATCH_LEVEL if it has one. Afterwards a plain timer may be gone; one to call back is returned.
CalloutTimer *expire_timer(Timers &all, KTIMER &timer, WakeList &wakes) NTEMU_REQUIRES(all.mutex);
bool is_released(const CalloutTimer &timer);

}  // namespace ntemu::ke
