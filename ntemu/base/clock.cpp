#include "ntemu/base/clock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "ntemu/base/lock.h"

namespace ntemu::base {
namespace {

Nt100ns host_time(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return Nt100ns{now.tv_sec} * kNtPerSecond + now.tv_nsec / 100;
}

class RealClock final : public Clock {
 public:
  Nt100ns interrupt_time() const override { return host_time(CLOCK_MONOTONIC) - boot_; }
  Nt100ns system_time() const override { return host_time(CLOCK_REALTIME) + kUnixEpoch; }
  const timespec *begin_wait(std::atomic<uint32_t> &, Deadline deadline, timespec &limit, bool &realtime) override {
    realtime = deadline.absolute;
    if (deadline.when == kForever) return nullptr;
    Nt100ns host;
    if (__builtin_add_overflow(deadline.when, deadline.absolute ? -kUnixEpoch : boot_, &host)) return nullptr;
    host = std::max<Nt100ns>(host, 0);  // the host's clocks know no time before their epoch
    limit.tv_sec = host / kNtPerSecond;
    limit.tv_nsec = host % kNtPerSecond * 100;
    return &limit;
  }
  void end_wait(std::atomic<uint32_t> &, Deadline) override {}

 private:
  const Nt100ns boot_ = host_time(CLOCK_MONOTONIC);
};

RealClock &real_clock() {
  static RealClock *real = new RealClock;
  return *real;
}

std::atomic<Clock *> the_clock{nullptr};

}  // namespace

Deadline Clock::deadline(Nt100ns timeout) const {
  if (timeout >= 0) return {timeout, true};
  Nt100ns when;
  if (__builtin_sub_overflow(interrupt_time(), timeout, &when)) when = kForever;
  return {when, false};
}

Nt100ns Clock::left_until(Deadline deadline) const {
  if (deadline.when == kForever) return kForever;
  return deadline.when - (deadline.absolute ? system_time() : interrupt_time());
}

Clock &clock() {
  Clock *set = the_clock.load(std::memory_order_acquire);
  return set ? *set : real_clock();
}

void set_clock(Clock *replacement) { the_clock.store(replacement, std::memory_order_release); }

void wait_word(std::atomic<uint32_t> &word, uint32_t expected, Nt100ns host_timeout) {
  timespec limit{host_timeout / kNtPerSecond, host_timeout % kNtPerSecond * 100};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, host_timeout == kForever ? nullptr : &limit, nullptr, 0);
}

void wake_word(std::atomic<uint32_t> &word, int count) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count); }

void wait_word_until(std::atomic<uint32_t> &word, uint32_t expected, Deadline deadline) {
  Clock &clock = base::clock();
  timespec limit;
  bool realtime;
  const timespec *until = clock.begin_wait(word, deadline, limit, realtime);
  const int operation = FUTEX_WAIT_BITSET_PRIVATE | (realtime ? FUTEX_CLOCK_REALTIME : 0);
  syscall(SYS_futex, &word, operation, expected, until, nullptr, FUTEX_BITSET_MATCH_ANY);
  clock.end_wait(word, deadline);
}

struct FakeClock::Waiters {
  struct Entry {
    Deadline deadline;
    std::atomic<uint32_t> *word;
    auto operator<=>(const Entry &) const = default;
  };
  Mutex mutex;
  std::set<Entry> entries NTEMU_GUARDED_BY(mutex);
};

FakeClock::~FakeClock() { delete waiters_.load(); }

FakeClock::Waiters &FakeClock::waiters() const {
  Waiters *existing = waiters_.load();
  if (existing) return *existing;
  auto *made = new Waiters;
  if (waiters_.compare_exchange_strong(existing, made)) return *made;
  delete made;
  return *existing;
}

const timespec *FakeClock::begin_wait(std::atomic<uint32_t> &word, Deadline deadline, timespec &, bool &realtime) {
  realtime = false;
  if (deadline.when == kForever) return nullptr;
  Waiters &all = waiters();
  Guard guard(all.mutex);
  if (has_come(deadline)) {
    word.fetch_add(kKick);
  } else {
    all.entries.insert({deadline, &word});
  }
  return nullptr;
}

void FakeClock::end_wait(std::atomic<uint32_t> &word, Deadline deadline) {
  if (deadline.when == kForever) return;
  Waiters &all = waiters();
  Guard guard(all.mutex);
  all.entries.erase({deadline, &word});
}

void FakeClock::advance(Nt100ns duration) { move(duration, 0); }
void FakeClock::shift_system_time(Nt100ns change) { move(0, change); }
void FakeClock::set_system_time(Nt100ns time) { move(0, time - system_time()); }

void FakeClock::move(Nt100ns duration, Nt100ns change) {
  Waiters &all = waiters();
  Guard guard(all.mutex);
  now_.fetch_add(duration);
  system_at_boot_.fetch_add(change);
  for (const auto &entry : all.entries) {
    if (!has_come(entry.deadline)) continue;
    entry.word->fetch_add(kKick);  // so that a waiter about to sleep does not
    wake_word(*entry.word);
  }
}

}  // namespace ntemu::base
