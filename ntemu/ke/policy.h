// The scheduler policy: who runs next. Without one, threads are the host's and block in a futex (the native policy);
// with one, it decides at every point where a thread blocks, spins or calls an API.
#pragma once

#include <atomic>
#include <cstdint>

#include "ntemu/api/table.h"
#include "ntemu/base/clock.h"

struct _ETHREAD;

namespace ntemu::ke {

// Every call is made on the thread it is about, but add and wake. Only system threads are governed: a thread of the
// host that entered the kernel by itself is the outside world, and always native.
class Policy {
 public:
  virtual ~Policy() = default;
  // A thread that is about to be started; called by its creator.
  virtual void add(_ETHREAD &thread) = 0;
  // Before the first instruction of a new thread, and after its last.
  virtual void begin(_ETHREAD &thread) = 0;
  virtual void end(_ETHREAD &thread) = 0;
  // Returns when `word` is no longer `expected` or `deadline` has come; may return early.
  virtual void block(_ETHREAD &thread, std::atomic<uint32_t> &word, uint32_t expected, base::Deadline deadline) = 0;
  // `word` has changed: whoever blocks on it may go on.
  virtual void wake(std::atomic<uint32_t> &word) = 0;
  // The thread spins until another has done something.
  virtual void yield(_ETHREAD &thread) = 0;
  // The driver is about to enter an API: another thread may run first.
  virtual void point(_ETHREAD &thread, api::Id api) = 0;
};

// Puts `policy` in the place of the native one; nullptr brings that back. Only while no machine runs.
void set_policy(Policy *policy);
Policy *policy_for(const _ETHREAD &thread);
void schedule_point(api::Id api);

// What everything in the kernel that waits uses: returns early now and then.
void block_on(std::atomic<uint32_t> &word, uint32_t expected, base::Deadline deadline = {});
void wake(std::atomic<uint32_t> &word, int count = 1);
// One round of a spin loop, number `round`: the processor is shared with whoever is waited for.
void spin(uint32_t round);

}  // namespace ntemu::ke
