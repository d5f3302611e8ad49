#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class KeGuardedMutex : public KernelTest {
 protected:
  KeGuardedMutex() { KeInitializeGuardedMutex(&mutex); }
  KGUARDED_MUTEX mutex;
};

TEST_F(KeGuardedMutex, InitializesToFree) {
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
  EXPECT_EQ(mutex.Contention, 0u);
  EXPECT_EQ(mutex.Event.Header.Type, SynchronizationEvent);
  EXPECT_EQ(mutex.Event.Header.SignalState, 0);
}

TEST_F(KeGuardedMutex, AcquireDisablesAllApcsUntilRelease) {
  KeAcquireGuardedMutex(&mutex);
  EXPECT_EQ(mutex.Count, 0);
  EXPECT_EQ(mutex.Owner, PsGetCurrentThread());
  EXPECT_EQ(mutex.OldIrql, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  EXPECT_TRUE(KeAreAllApcsDisabled());
  KeReleaseGuardedMutex(&mutex);
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
  EXPECT_FALSE(KeAreAllApcsDisabled());
}

TEST_F(KeGuardedMutex, TryRaisesOnlyOnSuccess) {
  EXPECT_TRUE(KeTryToAcquireGuardedMutex(&mutex));
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  SystemThread other([&] {
    EXPECT_FALSE(KeTryToAcquireGuardedMutex(&mutex));
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  });
  other.join();
  KeReleaseGuardedMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeGuardedMutex, UnsafeLeavesTheIrqlAlone) {
  mutex.OldIrql = HIGH_LEVEL;
  KeEnterGuardedRegion();
  KeAcquireGuardedMutexUnsafe(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(mutex.Count, 0);
  EXPECT_EQ(mutex.Owner, PsGetCurrentThread());
  KeReleaseGuardedMutexUnsafe(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(mutex.Count, 1);
  KeLeaveGuardedRegion();
}

TEST_F(KeGuardedMutex, WaitersHaveTheirOwnReason) {
  KeAcquireGuardedMutex(&mutex);
  SystemThread waiter([&] {
    KeAcquireGuardedMutex(&mutex);
    KeReleaseGuardedMutex(&mutex);
  });
  waiter.await_blocked();
  EXPECT_EQ(waiter.tcb().WaitReason, WrGuardedMutex);
  EXPECT_EQ(mutex.Count, 4);
  EXPECT_EQ(mutex.Contention, 1u);
  KeReleaseGuardedMutex(&mutex);
  waiter.join();
  EXPECT_EQ(mutex.Count, 1);
}

TEST_F(KeGuardedMutex, IsRecordedAsHeld) {
  KeAcquireGuardedMutex(&mutex);
  const ke::HeldLocks &held = ke::current().held;
  ASSERT_EQ(held.count(), 1u);
  EXPECT_EQ(held[0].lock, &mutex);
  EXPECT_EQ(held[0].kind(), ke::LockKind::kGuardedMutex);
  KeReleaseGuardedMutex(&mutex);
  EXPECT_EQ(held.count(), 0u);
}

using KeGuardedMutexStress = KeGuardedMutex;

TEST_F(KeGuardedMutexStress, ExcludesHoweverItIsTaken) {
  const int kRounds = rounds(500, 100000);
  Guarded guarded;
  stress([&](std::mt19937 &random, int) {
    for (int i = 0; i < kRounds; ++i) {
      switch (random() % 3) {
        case 0:
          KeAcquireGuardedMutex(&mutex);
          guarded.change();
          KeReleaseGuardedMutex(&mutex);
          break;
        case 1:
          KeEnterGuardedRegion();
          KeAcquireGuardedMutexUnsafe(&mutex);
          guarded.change();
          KeReleaseGuardedMutexUnsafe(&mutex);
          KeLeaveGuardedRegion();
          break;
        default:
          while (!KeTryToAcquireGuardedMutex(&mutex)) sched_yield();
          guarded.change();
          KeReleaseGuardedMutex(&mutex);
      }
    }
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  });
  EXPECT_EQ(guarded.first, 1LL * kStressThreads * kRounds);
  EXPECT_TRUE(guarded.whole());
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
}

}  // namespace
}  // namespace ntemu::test
