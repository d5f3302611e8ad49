// The machine's one clock: every API that tells time or waits for it asks here, so tests can put a fake in its place.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <ctime>
#include <limits>

namespace ntemu::base {

using Nt100ns = int64_t;  // a duration or a time in units of 100 ns

inline constexpr Nt100ns kNtPerSecond = 10'000'000;
inline constexpr Nt100ns kNtPerMillisecond = 10'000;
inline constexpr Nt100ns kForever = std::numeric_limits<Nt100ns>::max();
// From 1601-01-01, NT's epoch, to 1970-01-01, the host's.
inline constexpr Nt100ns kUnixEpoch = 116'444'736'000'000'000;

// A wait word's low byte is its owner's; the rest counts kicks, each of which makes a wait return early.
inline constexpr uint32_t kKick = 0x100;

// When a wait or a timer ends: at an interrupt time, or, if `absolute`, at a system time, whatever that is set to
// meanwhile.
struct Deadline {
  Nt100ns when = kForever;
  bool absolute = false;
  auto operator<=>(const Deadline &) const = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Since boot; never goes back.
  virtual Nt100ns interrupt_time() const = 0;
  // Since 1601, UTC.
  virtual Nt100ns system_time() const = 0;
  // Brackets a futex wait on `word` that is to end at `deadline`: begin_wait gives the host's absolute time limit in
  // `limit`, by CLOCK_REALTIME if it sets `realtime`, else by CLOCK_MONOTONIC, or nullptr for none; a fake clock kicks
  // the word when its time comes.
  virtual const timespec *begin_wait(std::atomic<uint32_t> &word, Deadline deadline, timespec &limit,
                                     bool &realtime) = 0;
  virtual void end_wait(std::atomic<uint32_t> &word, Deadline deadline) = 0;
  // The same for an interrupt time.
  const timespec *begin_wait(std::atomic<uint32_t> &word, Nt100ns deadline, timespec &limit) {
    bool realtime;
    return begin_wait(word, Deadline{deadline}, limit, realtime);
  }
  void end_wait(std::atomic<uint32_t> &word, Nt100ns deadline) { end_wait(word, Deadline{deadline}); }

  // What NT's timeouts mean: negative relative to now, otherwise since 1601.
  Deadline deadline(Nt100ns timeout) const;
  // How long until then; 0 or less when it has come.
  Nt100ns left_until(Deadline deadline) const;
  bool has_come(Deadline deadline) const { return deadline.when != kForever && left_until(deadline) <= 0; }
};

Clock &clock();
// Puts `clock` in the place of the real one; nullptr brings the real one back. Only while no thread waits.
void set_clock(Clock *clock);

// Time stands still until a test moves it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Nt100ns system_time = kUnixEpoch) : system_at_boot_(system_time) {}
  ~FakeClock() override;
  Nt100ns interrupt_time() const override { return now_.load(); }
  Nt100ns system_time() const override { return system_at_boot_.load() + now_.load(); }
  using Clock::begin_wait, Clock::end_wait;
  const timespec *begin_wait(std::atomic<uint32_t> &word, Deadline deadline, timespec &limit, bool &realtime) override;
  void end_wait(std::atomic<uint32_t> &word, Deadline deadline) override;
  // Moves time forward and wakes every wait whose deadline that reaches.
  void advance(Nt100ns duration);
  // Somebody sets the system time, to `time` or by `change`; wakes every absolute wait whose deadline that reaches.
  void set_system_time(Nt100ns time);
  void shift_system_time(Nt100ns change);

 private:
  struct Waiters;
  Waiters &waiters() const;
  void move(Nt100ns duration, Nt100ns change);
  std::atomic<Nt100ns> now_{0};
  std::atomic<Nt100ns> system_at_boot_;
  mutable std::atomic<Waiters *> waiters_{nullptr};
};

// Waits on a word of the host's, outside the kernel's wait engine; may return early.
void wait_word(std::atomic<uint32_t> &word, uint32_t expected, Nt100ns host_timeout = kForever);
// The same until `deadline` by the machine's clock, which may kick the word.
void wait_word_until(std::atomic<uint32_t> &word, uint32_t expected, Deadline deadline);
void wake_word(std::atomic<uint32_t> &word, int count = 1);

}  // namespace ntemu::base
