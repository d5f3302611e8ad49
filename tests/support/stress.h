// Threads that hammer one object with random operations, and what a lock guards.
#pragma once

#include <sched.h>

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

// The seed of thread `i`: the same in every run with the same --gtest_random_seed.
inline unsigned seed_of(unsigned i) {
  return static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed()) * 64 + i + 1;
}

// Eight system threads run `body(random numbers, thread's number)`; returns when all have ended.
template <class Body>
void stress(const Body &body) {
  run_together(kStressThreads, [&](unsigned i) {
    std::mt19937 random(seed_of(i));
    body(random, static_cast<int>(i));
  });
}

// What a lock guards: two numbers that are equal whenever nobody is in the middle of a change. Now and then the
// processor is given up in the middle, so that the others find the lock held.
struct Guarded {
  long long first = 0;
  long long second = 0;
  void change() {
    first = first + 1;
    if (first % 8 == 0) sched_yield();
    second = second + 1;
  }
  bool whole() const {
    const long long seen = first;
    if (seen % 8 == 1) sched_yield();
    return seen == second;
  }
};

}  // namespace ntemu::test
