// Threads that hammer one object with random operations, the same ones in every run, and what a lock guards.
#pragma once

#include <random>
#include <vector>

#include "tests/support/kernel_test.h"

namespace ntemu::test {

inline constexpr unsigned kStressThreads = 8;

// Runs body(0), body(1)... on system threads that begin together; returns when all have ended.
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

// Eight system threads run `body(random numbers, thread's number)`; returns when all have ended.
template <class Body>
void stress(const Body &body) {
  run_together(kStressThreads, [&](unsigned i) {
    std::mt19937 random(i + 1);
    body(random, static_cast<int>(i));
  });
}

// Two numbers that are equal whenever nobody is in the middle of a change.
struct Guarded {
  long long first = 0;
  long long second = 0;
  void change() {
    first = first + 1;
    second = second + 1;
  }
  bool whole() const { return first == second; }
};

}  // namespace ntemu::test
