// The search for a cycle among threads that wait.
#pragma once

#include <vector>

#include "ntemu/vf/deadlock.h"

namespace ntemu::vf {

// What a thread waits for.
struct Want {
  enum Kind : uint8_t { kNothing, kLock, kMutant, kThread, kEvent } kind = kNothing;
  ke::LockKind lock_kind = ke::LockKind::kMutex;
  const void *object = nullptr;
};

// All of it with the dispatcher lock held, so that nobody falls asleep or wakes. The threads must stay: their list is
// locked, or there is only the calling one.
class WaitSearch {
 public:
  explicit WaitSearch(const std::vector<ETHREAD *> &threads);
  // A cycle that `thread` is part of; empty when it can still go on, or waits for a cycle of others.
  Cycle find(ETHREAD &thread);
  // Whether the thread waits for another one to end.
  static bool awaits_thread(const ETHREAD &thread);

 private:
  struct Step {
    ETHREAD *thread;
    Want want;
    const void *owned_at;  // where the next thread acquired it
  };
  bool is_stuck(ETHREAD &thread);
  bool is_held_for_good(ETHREAD &thread, const Want &want);
  bool is_set_by_nobody(ETHREAD &thread, const Want &want);
  bool is_on_path(const ETHREAD &thread) const;
  bool can_go_on(const ETHREAD &thread) const;
  Cycle to_cycle() const;

  const std::vector<ETHREAD *> &threads_;
  std::vector<Step> path_;
  std::vector<const ETHREAD *> go_on_;
  std::vector<Step> found_;
};

}  // namespace ntemu::vf
