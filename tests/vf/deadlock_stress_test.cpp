#include <algorithm>
#include <memory>
#include <random>

#include "tests/support/stress.h"
#include "tests/vf/deadlock_fixture.h"

using ::testing::IsEmpty;

namespace ntemu::test {
namespace {

struct SharedLock {
  bool push;
  ERESOURCE resource;
  EX_PUSH_LOCK lock;
  void acquire(bool shared) {
    KeEnterCriticalRegion();
    if (push) {
      shared ? ExAcquirePushLockShared(&lock) : ExAcquirePushLockExclusive(&lock);
    } else {
      shared ? ExAcquireResourceSharedLite(&resource, TRUE) : ExAcquireResourceExclusiveLite(&resource, TRUE);
    }
  }
  void release(bool shared) {
    if (push) {
      shared ? ExReleasePushLockShared(&lock) : ExReleasePushLockExclusive(&lock);
    } else {
      ExReleaseResourceLite(&resource);
    }
    KeLeaveCriticalRegion();
  }
};

class DeadlockStress : public KernelTest {};

TEST_F(DeadlockStress, LocksInOrderAreNeverReported) {
  std::vector<AnyLock> locks;
  for (size_t i = 0; i < 2 * kLockTypes.size(); ++i) locks.emplace_back(kLockTypes[i % kLockTypes.size()]);
  SharedLock shared[4]{};
  for (size_t i = 0; i < std::size(shared); ++i) {
    shared[i].push = i % 2;
    ExInitializeResourceLite(&shared[i].resource);
    ExInitializePushLock(&shared[i].lock);
  }
  stress([&](std::mt19937 &random, int) {
    for (int i = 0; i < rounds(200, 1000); ++i) {
      const auto all = random(), how = random();
      for (size_t j = 0; j < std::size(shared); ++j) {
        if (all >> j & 1) shared[j].acquire(how >> j & 1);
      }
      for (size_t j = 0; j < locks.size(); ++j) {
        if ((all >> (j + 4) & 3) == 3) locks[j].acquire();
      }
      if (random() % 4 == 0) sched_yield();
      for (size_t j = locks.size(); j-- > 0;) {
        if ((all >> (j + 4) & 3) == 3) locks[j].release();
      }
      for (size_t j = std::size(shared); j-- > 0;) {
        if (all >> j & 1) shared[j].release(how >> j & 1);
      }
    }
  });
  EXPECT_THAT(vf::reported_cycles(), IsEmpty());
  EXPECT_EQ(ke::leaving.load(), false);
  for (SharedLock &lock : shared) ExDeleteResourceLite(&lock.resource);
  for (const AnyLock &lock : locks) {
    if (lock.name() == std::string("Resource")) ExDeleteResourceLite(static_cast<PERESOURCE>(lock.get()));
  }
}

// A machine of its own for each attempt: threads that hang stay where they are.
TEST(DeadlockAttempts, StressEachHangIsReportedAndNothingElse) {
  std::mt19937 random(seed_of(0));
  for (int attempt = 0; attempt < rounds(30, 300); ++attempt) {
    auto machine = Machine::boot({});
    ASSERT_TRUE(machine) << machine.error().text;
    {
      std::vector<AnyLock> locks;
      for (int i = 0; i < 4; ++i) locks.emplace_back(kLockTypes[random() % kLockTypes.size()]);
      std::vector<LostThread> threads;
      const bool crosses = attempt % 5 == 0;  // in a ring: others hang only if they happen to meet
      const auto ring = std::make_shared<Meeting>(4);
      for (size_t i = 0; i < 4; ++i) {
        threads.emplace_back([locks, i, crosses, ring, seed = random()] {
          std::mt19937 own(static_cast<unsigned>(seed));
          if (crosses) {
            locks[i].acquire();
            ring->meet();
            locks[(i + 1) % 4].acquire();
          }
          for (int j = 0; j < 50; ++j) {
            const size_t first = own() % 4, second = (first + 1 + own() % 3) % 4;
            locks[first].acquire();
            if (own() % 4 == 0) sched_yield();
            locks[second].acquire();
            locks[second].release();
            locks[first].release();
          }
        });
      }
      const auto done = [](const LostThread &thread) { return thread.ended() || thread.settled(); };
      while ((*machine)->wait_for_rest(std::nullopt) == Rest::kRunning ||
             !std::all_of(threads.begin(), threads.end(), done))
        sched_yield();
      const bool hangs =
          !std::all_of(threads.begin(), threads.end(), [](const auto &thread) { return thread.ended(); });
      EXPECT_EQ(hangs, !vf::reported_cycles().empty()) << "attempt " << attempt;
      EXPECT_TRUE(hangs || !crosses) << "attempt " << attempt;
      EXPECT_EQ(vf::reported_cycles().size(), vf::wait_cycles().size()) << "attempt " << attempt;
    }
    EXPECT_TRUE((*machine)->shut_down());
  }
}

}  // namespace
}  // namespace ntemu::test
