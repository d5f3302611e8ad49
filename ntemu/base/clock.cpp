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

void futex_wait(std::atomic<uint32_t> &word, uint32_t expected, const timespec *deadline) {
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
}

class RealClock final : public Clock {
 public:
  Nt100ns interrupt_time() const override { return host_time(CLOCK_MONOTONIC) - boot_; }
  Nt100ns system_time() const override { return host_time(CLOCK_REALTIME) + kUnixEpoch; }
  void wait(std::atomic<uint32_t> &word, uint32_t expected, Nt100ns deadline) override {
    if (deadline > kForever - boot_ - 1) return futex_wait(word, expected, nullptr);
    const Nt100ns host = deadline + boot_;
    timespec until;
    until.tv_sec = host / kNtPerSecond;
    until.tv_nsec = host % kNtPerSecond * 100;
    futex_wait(word, expected, &until);
  }

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

void FakeClock::wait(std::atomic<uint32_t> &word, uint32_t expected, Nt100ns deadline) {
  Waiters &all = waiters();
  const Waiters::Entry entry{deadline, &word};
  {
    Guard guard(all.mutex);
    if (deadline <= now_.load()) return;
    all.entries.insert(entry);
  }
  futex_wait(word, expected, nullptr);
  Guard guard(all.mutex);
  all.entries.erase(entry);
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
