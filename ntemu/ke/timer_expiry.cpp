#include "ntemu/ke/timer_expiry.h"

#include <signal.h>

#include <algorithm>
#include <climits>

#include "ntemu/ke/freeze.h"

namespace ntemu::ke {
namespace {

base::Nt100ns period_of(const KTIMER &timer) {
  if (timer.TimerType == kCalloutTimer) return reinterpret_cast<const CalloutTimer &>(timer).period;
  return timer.Period * base::kNtPerMillisecond;
}

void signal_timer(KTIMER &timer, WakeList &wakes) {
  DispatcherLock lock;
  freeze(timer.Header);
  set_state(timer.Header, 1);
  release_waiters(timer.Header, IO_NO_INCREMENT, wakes);
  thaw(timer.Header);
}

// In step with its first expiry, however late this one is.
base::Nt100ns next_due(const KTIMER &timer, base::Nt100ns period) {
  const base::Nt100ns now = base::clock().interrupt_time();
  // The period of an absolute timer counts from when it expired, since that time may have been set.
  if (is_absolute(timer)) return now + period;
  const base::Nt100ns late = std::max<base::Nt100ns>(now - due_time(timer), 0);
  return due_time(timer) + (late / period + 1) * period;
}

void call_back(Timers &all, CalloutTimer &timer) {
  if (timer.expired) timer.expired(timer);
  bool released;
  {
    base::Guard guard(all.mutex);
    --timer.calls;
    --all.calls;
    all.count.fetch_sub(1, std::memory_order_relaxed);
    released = is_released(timer);
  }
  if (released) timer.released(timer);
}

// The earliest timer of a table, if it is due.
bool expire_first(Timers &all, bool absolute) {
  CalloutTimer *callout;
  {
    WakeList wakes;
    base::Guard guard(all.mutex);
    TimerTable &table = all.tables[absolute];
    if (all.ended || !base::clock().has_come({table.next_due(), absolute})) return false;
    KTIMER &timer = *table.first();
    remove_timer(all, timer);
    callout = expire_timer(all, timer, wakes);
  }
  if (callout) call_back(all, *callout);
  return true;
}

void expire_due(Timers &all, bool absolute) {
  const KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
  while (expire_first(all, absolute)) {
  }
  KeLowerIrql(irql);
  note_rest();
}

template <bool absolute>
void *run_expiry(void *) {
  Timers &all = timers();
  for (;;) {
    const uint32_t seen = all.words[absolute].load();
    base::Deadline next;
    {
      base::Guard guard(all.mutex);
      if (all.ended) break;
      next = {all.tables[absolute].next_due(), absolute};
    }
    if (base::clock().has_come(next)) {
      expire_due(all, absolute);
    } else {
      base::wait_word_until(all.words[absolute], seen, next);
    }
  }
  all.threads.fetch_sub(1);
  base::wake_word(all.threads, INT_MAX);
  return nullptr;
}

void start_expiry(Timers &all, bool absolute) NTEMU_REQUIRES(all.mutex) {
  if (all.started[absolute]) return;
  // As drivers' threads, it takes no asynchronous signals.
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF, freeze_signal()})
    sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  all.threads.fetch_add(1);
  const auto run = absolute ? run_expiry<true> : run_expiry<false>;
  all.started[absolute] = pthread_create(&all.hosts[absolute], nullptr, run, nullptr) == 0;
  if (!all.started[absolute]) all.threads.fetch_sub(1);  // the next timer that is set tries again
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool sets_something_going(KTIMER &timer) {
  if (timer.Dpc) return true;
  if (timer.TimerType == kCalloutTimer && reinterpret_cast<CalloutTimer &>(timer).expired) return true;
  DispatcherLock lock;
  return !IsListEmpty(&timer.Header.WaitListHead);
}

}  // namespace

Timers &timers() {
  static Timers *all = new Timers;
  return *all;
}

void change_bits(KTIMER &timer, LONG clear, LONG set) {
  DispatcherLock lock;
  const auto mask = static_cast<HeaderWord>(static_cast<ULONG>(clear));
  store_word(timer.Header, (load_word(timer.Header) & ~mask) | static_cast<ULONG>(set));
}

void insert_timer(Timers &all, KTIMER &timer, bool absolute) {
  change_bits(timer, kTimerBits, TimerTable::bits_for(timer, absolute));
  if (all.ended) return;
  TimerTable &table = all.tables[absolute];
  const base::Nt100ns before = table.next_due();
  table.insert(timer);
  all.count.fetch_add(1, std::memory_order_relaxed);
  start_expiry(all, absolute);
  if (table.next_due() >= before) return;
  all.words[absolute].fetch_add(base::kKick);
  base::wake_word(all.words[absolute]);
}

void remove_timer(Timers &all, KTIMER &timer) {
  if (!all.ended) {
    all.table_of(timer).remove(timer);
    all.count.fetch_sub(1, std::memory_order_relaxed);
  }
  change_bits(timer, kTimerInserted, 0);
}

CalloutTimer *expire_timer(Timers &all, KTIMER &timer, WakeList &wakes) {
  CalloutTimer *callout = timer.TimerType == kCalloutTimer ? &reinterpret_cast<CalloutTimer &>(timer) : nullptr;
  const PKDPC dpc = timer.Dpc;
  const base::Nt100ns period = period_of(timer);
  if (period) {
    timer.DueTime.QuadPart = static_cast<ULONGLONG>(next_due(timer, period));
    insert_timer(all, timer, false);
  }
  if (callout) {
    ++callout->calls;
    ++all.calls;
    all.count.fetch_add(1, std::memory_order_relaxed);
  }
  signal_timer(timer, wakes);
  if (dpc) KeInsertQueueDpc(dpc, nullptr, nullptr);
  return callout;
}

bool is_released(const CalloutTimer &timer) { return timer.retired && timer.calls == 0 && !is_set(timer.timer); }

void boot_timers() {
  Timers &all = timers();
  base::Guard guard(all.mutex);
  for (TimerTable &table : all.tables) table.clear();
  all.started[0] = all.started[1] = false;
  all.calls = 0;
  all.count = 0;
  all.ended = false;
}

bool stop_timers(base::Nt100ns patience) {
  Timers &all = timers();
  bool started[2];
  {
    base::Guard guard(all.mutex);
    all.ended = true;
    std::copy(std::begin(all.started), std::end(all.started), started);
  }
  for (std::atomic<uint32_t> &word : all.words) {
    word.fetch_add(base::kKick);
    base::wake_word(word);
  }
  for (base::Nt100ns waited = 0;; waited += base::kNtPerMillisecond) {
    const uint32_t running = all.threads.load();
    if (running == 0) break;
    if (waited >= patience) return false;
    base::wait_word(all.threads, running, base::kNtPerMillisecond);
  }
  for (const int kind : {0, 1}) {
    if (started[kind]) pthread_join(all.hosts[kind], nullptr);
  }
  return true;
}

PKDPC find_timer_dpc(const void *start, size_t bytes) {
  const auto within = [&](auto *address) {
    return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(start) < bytes;
  };
  Timers &all = timers();
  PKDPC found = nullptr;
  base::Guard guard(all.mutex);
  if (all.ended) return found;
  for (const bool absolute : {false, true}) {
    all.tables[absolute].for_each([&](KTIMER &timer) {
      if (timer.Dpc && (within(timer.Dpc) || within(timer.Dpc->DeferredRoutine))) found = timer.Dpc;
    });
  }
  return found;
}

PendingTimers count_pending_timers(base::Nt100ns limit) {
  PendingTimers pending;
  Timers &all = timers();
  if (all.count.load(std::memory_order_relaxed) == 0) return pending;
  base::Guard guard(all.mutex);
  if (all.ended) return pending;
  pending.soon = all.calls;
  for (const bool absolute : {false, true}) {
    all.tables[absolute].for_each([&](KTIMER &timer) {
      if (!sets_something_going(timer)) return;
      ++(base::clock().left_until({due_time(timer), absolute}) > limit ? pending.later : pending.soon);
    });
  }
  return pending;
}

const KTIMER *find_set_timer(const void *start, size_t bytes) {
  Timers &all = timers();
  const KTIMER *found = nullptr;
  base::Guard guard(all.mutex);
  if (all.ended) return found;
  for (const TimerTable &table : all.tables) {
    table.for_each([&](const KTIMER &timer) {
      if (reinterpret_cast<uintptr_t>(&timer) - reinterpret_cast<uintptr_t>(start) < bytes) found = &timer;
    });
  }
  return found;
}

}  // namespace ntemu::ke
