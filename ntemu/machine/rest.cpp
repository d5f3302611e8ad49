#include "ntemu/machine/rest.h"

#include "ntemu/ex/worker.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/timer.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ps/ps.h"

namespace ntemu::machine {
namespace {

// A wait that ends by itself later than this counts as one for a time; a shorter one is the thread's normal course.
constexpr base::Nt100ns kShortDelay = base::kNtPerSecond;

struct Counts {
  size_t threads = 0, running = 0, delayed = 0;
};

Counts count_threads() {
  Counts counts;
  // First: what a timer that expired meanwhile has set going shows further down.
  const ke::PendingTimers timers = ke::count_pending_timers(kShortDelay);
  counts.running += timers.soon;
  counts.delayed += timers.later;
  if (ex::work_is_due()) ++counts.running;  // asked first: what was taken meanwhile shows as a busy worker
  if (ke::dpcs_are_due()) ++counts.running;
  ps::for_each_thread([&](ETHREAD &thread) {
    const bool asleep = ke::is_asleep(thread);
    if (thread.adopted) return;
    if (ex::is_idle_worker(thread) || ke::is_idle_dpc_thread(thread)) return;
    ++counts.threads;
    if (!asleep) {
      ++counts.running;
    } else if (const base::Deadline deadline = ke::deadline_of(thread); deadline.when != base::kForever) {
      ++(base::clock().left_until(deadline) > kShortDelay ? counts.delayed : counts.running);
    }
  });
  return counts;
}

}  // namespace

Rest look_for_rest() {
  for (;;) {
    const uint32_t before = ke::rest_count.load();
    const Counts counts = count_threads();
    if (counts.running > 0) return Rest::kRunning;
    // A thread that went to sleep during the look may have woken one that had been seen asleep.
    if (ke::rest_count.load() != before) continue;
    if (counts.delayed > 0) return Rest::kDelayed;
    return counts.threads > 0 ? Rest::kWaiting : Rest::kDone;
  }
}

bool wait_until(const std::function<bool()> &done, std::optional<std::chrono::nanoseconds> limit,
                const std::atomic<bool> &stop) {
  using Steady = std::chrono::steady_clock;
  const auto end = limit ? Steady::now() + *limit : Steady::time_point::max();
  ke::rest_watchers.fetch_add(1);
  bool met;
  for (;;) {
    const uint32_t seen = ke::rest_count.load();
    met = done();
    const auto now = Steady::now();
    if (met || stop.load() || now >= end) break;
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - now).count() / 100 + 1;
    base::wait_word(ke::rest_count, seen, limit ? left : base::kForever);
  }
  ke::rest_watchers.fetch_sub(1);
  return met;
}

}  // namespace ntemu::machine
