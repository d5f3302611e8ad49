#include "ntemu/base/clock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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
  const timespec *begin_wait(std::atomic<uint32_t> &, Nt100ns deadline, timespec &limit) override {
    if (deadline > kForever - boot_ - 1) return nullptr;
    const Nt100ns host = deadline + boot_;
    limit.tv_sec = host / kNtPerSecond;
    limit.tv_nsec = host % kNtPerSecond * 100;
    return &limit;
  }
  void end_wait(std::atomic<uint32_t> &, Nt100ns) override {}

 private:
  const Nt100ns boot_ = host_time(CLOCK_MONOTONIC);
};

RealClock &real_clock() {
  static RealClock *real = new RealClock;
  return *real;
}

std::atomic<Clock *> the_clock{nullptr};

}  // namespace

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

struct FakeClock::Waiters {
  struct Entry {
    Nt100ns deadline;
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

const timespec *FakeClock::begin_wait(std::atomic<uint32_t> &word, Nt100ns deadline, timespec &) {
  if (deadline == kForever) return nullptr;
  Waiters &all = waiters();
  Guard guard(all.mutex);
  if (deadline <= now_.load()) {
    word.fetch_add(kKick);
  } else {
    all.entries.insert({deadline, &word});
  }
  return nullptr;
}

void FakeClock::end_wait(std::atomic<uint32_t> &word, Nt100ns deadline) {
  if (deadline == kForever) return;
  Waiters &all = waiters();
  Guard guard(all.mutex);
  all.entries.erase({deadline, &word});
}

void FakeClock::advance(Nt100ns duration) {
  Waiters &all = waiters();
  Guard guard(all.mutex);
  const Nt100ns now = now_.load() + duration;
  now_.store(now);
  for (const auto &entry : all.entries) {
    if (entry.deadline > now) break;
    entry.word->fetch_add(kKick);  // so that a waiter about to sleep does not
    wake_word(*entry.word);
  }
}

}  // namespace ntemu::base
