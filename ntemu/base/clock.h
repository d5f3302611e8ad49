// The machine's one clock: every API that tells time or waits for it asks here, so tests can put a fake in its place.
#pragma once

#include <atomic>
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

class Clock {
 public:
  virtual ~Clock() = default;
  // Since boot; never goes back.
  virtual Nt100ns interrupt_time() const = 0;
  // Since 1601, UTC.
  virtual Nt100ns system_time() const = 0;
  // Brackets a futex wait on `word` that is to end at interrupt time `deadline`: begin_wait gives the host's absolute
  // CLOCK_MONOTONIC time limit in `limit`, or nullptr for none; a fake clock kicks the word when its time comes.
  virtual const timespec *begin_wait(std::atomic<uint32_t> &word, Nt100ns deadline, timespec &limit) = 0;
  virtual void end_wait(std::atomic<uint32_t> &word, Nt100ns deadline) = 0;
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
  Nt100ns system_time() const override { return system_at_boot_ + now_.load(); }
  const timespec *begin_wait(std::atomic<uint32_t> &word, Nt100ns deadline, timespec &limit) override;
  void end_wait(std::atomic<uint32_t> &word, Nt100ns deadline) override;
  // Moves time forward and wakes every wait whose deadline that reaches.
  void advance(Nt100ns duration);

 private:
  struct Waiters;
  Waiters &waiters() const;
  std::atomic<Nt100ns> now_{0};
  Nt100ns system_at_boot_;
  mutable std::atomic<Waiters *> waiters_{nullptr};
};

// Waits on a word of the host's, outside the kernel's wait engine; may return early.
void wait_word(std::atomic<uint32_t> &word, uint32_t expected, Nt100ns host_timeout = kForever);
void wake_word(std::atomic<uint32_t> &word, int count = 1);

}  // namespace ntemu::base
