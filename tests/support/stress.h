// Threads that run at the same time: each waits until all have been made.
#pragma once

#include <vector>

#include "tests/support/kernel_test.h"

namespace ntemu::test {

inline constexpr unsigned kStressThreads = 8;

// Runs body(0), body(1)... on system threads; returns when all have ended.
inline void run_together(unsigned count, const std::function<void(unsigned)> &body) {
  KEVENT begin;
  KeInitializeEvent(&begin, NotificationEvent, FALSE);
  std::vector<std::unique_ptr<SystemThread>> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.push_back(std::make_unique<SystemThread>([&, i] {
      wait(&begin);
      body(i);
    }));
  }
  for (const auto &thread : threads) thread->await_blocked();
  KeSetEvent(&begin, IO_NO_INCREMENT, FALSE);
}

}  // namespace ntemu::test
