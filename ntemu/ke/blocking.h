// A thread is about to block: what it waits for is noted, and whoever looks for deadlocks is asked.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// Threads that block while they hold locks.
extern std::atomic<uint32_t> blocked_holders;

// Set by vf: others may wait for what a thread will do, whatever it holds.
extern std::atomic<bool> every_wait_concerns;

// Set by vf. Called on a thread that has begun to wait, and on one that has spun for long, with no lock held: its wait
// may close a cycle. It may end the machine, after abandon_wait.
extern std::atomic<void (*)(ETHREAD &thread)> thread_blocks;

// What it holds, or its own end, is all that others can wait for: without either it closes no cycle.
inline bool concerns_others(const ETHREAD &thread) {
  return thread.held.count() != 0 || load_word(thread.Tcb.Header) & kHasWaiters ||
         every_wait_concerns.load(std::memory_order_relaxed);
}

inline void count_in(ETHREAD &thread) {
  if (thread.held.count() == 0) return;
  thread.wanted.counted = true;
  blocked_holders.fetch_add(1);
}
inline void count_out(ETHREAD &thread) {
  if (!thread.wanted.counted) return;
  thread.wanted.counted = false;
  blocked_holders.fetch_sub(1);
}

// A wait for dispatcher objects: it has no lock's name, but a number.
inline void note_plain_wait(ETHREAD &thread, const void *site) {
  if (thread.wanted.lock.load(std::memory_order_relaxed)) return;  // for the event of that lock
  thread.wanted.number.store(thread.wanted.number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  thread.wanted.site_and_kind.store(reinterpret_cast<uint64_t>(site), std::memory_order_relaxed);
}

// Takes the calling thread out of a wait that it has begun. False: the wait has ended already.
bool abandon_wait(ETHREAD &thread);

// From construction to destruction the calling thread waits for `lock`. What an APC waits for in between comes first.
class Wanting {
 public:
  Wanting(ETHREAD &thread, const void *lock, LockKind kind, const void *site);
  ~Wanting();
  Wanting(const Wanting &) = delete;
  Wanting &operator=(const Wanting &) = delete;

 private:
  ETHREAD &thread_;
  const void *const outer_lock_;
  const uint64_t outer_site_;
};

// With the lock still out of reach of its other users: the thread has it, though it has not woken yet.
inline void note_granted(ETHREAD &thread) { thread.wanted.lock.store(nullptr); }

// The rounds of waiting for a spin lock; after many of them the lock is noted as wanted, and now and then a cycle
// looked for.
class SpinWait {
 public:
  SpinWait(ETHREAD &thread, const volatile void *lock, LockKind kind, const void *site)
      : thread_(thread), lock_(const_cast<const void *>(lock)), site_(site), kind_(kind) {}
  ~SpinWait() {
    if (wanting_) [[unlikely]]
      end();
  }
  SpinWait(const SpinWait &) = delete;
  SpinWait &operator=(const SpinWait &) = delete;
  void round();

 private:
  static constexpr uint32_t kLong = 1024;
  void begin();
  void end();

  ETHREAD &thread_;
  const void *const lock_;
  const void *const site_;
  const LockKind kind_;
  bool wanting_ = false;
  uint32_t round_ = 0;
  const void *outer_lock_ = nullptr;
  uint64_t outer_site_ = 0;
};

}  // namespace ntemu::ke
