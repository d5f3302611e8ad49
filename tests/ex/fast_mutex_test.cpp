#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class ExFastMutex : public KernelTest {
 protected:
  ExFastMutex() { ExInitializeFastMutex(&mutex); }
  FAST_MUTEX mutex;
};

TEST_F(ExFastMutex, InitializesToFree) {
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
  EXPECT_EQ(mutex.Contention, 0u);
  EXPECT_EQ(mutex.Event.Header.Type, 1);
  EXPECT_EQ(mutex.Event.Header.SignalState, 0);
}

TEST_F(ExFastMutex, AcquireRaisesToApcLevelAndReleaseRestores) {
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(mutex.Count, 0);
  EXPECT_EQ(mutex.Owner, PsGetCurrentThread());
  EXPECT_EQ(mutex.OldIrql, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(mutex.Contention, 0u);
}

TEST_F(ExFastMutex, KeepsApcLevelOfItsCaller) {
  const KIRQL old = KfRaiseIrql(APC_LEVEL);
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(mutex.OldIrql, APC_LEVEL);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  KeLowerIrql(old);
}

TEST_F(ExFastMutex, NeverLowersDispatchLevel) {
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeLowerIrql(old);
}

TEST_F(ExFastMutex, TryRaisesOnlyOnSuccess) {
  EXPECT_TRUE(ExTryToAcquireFastMutex(&mutex));
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  SystemThread other([&] {
    EXPECT_FALSE(ExTryToAcquireFastMutex(&mutex));
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  });
  other.join();
  EXPECT_EQ(mutex.Contention, 0u);
  ExReleaseFastMutex(&mutex);
}

TEST_F(ExFastMutex, EachWaiterAddsFourToTheCount) {
  ExAcquireFastMutex(&mutex);
  const auto body = [&] {
    ExAcquireFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
  };
  SystemThread first(body);
  first.await_blocked();
  EXPECT_EQ(mutex.Count, 4);
  EXPECT_EQ(mutex.Contention, 1u);
  SystemThread second(body);
  second.await_blocked();
  EXPECT_EQ(mutex.Count, 8);
  EXPECT_EQ(mutex.Contention, 2u);
  EXPECT_EQ(second.tcb().WaitReason, WrFastMutex);
  EXPECT_EQ(second.tcb().WaitBlockList->Object, &mutex.Event);
  EXPECT_EQ(mutex.Owner, PsGetCurrentThread());
  ExReleaseFastMutex(&mutex);
  first.join(), second.join();
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Event.Header.SignalState, 0);
}

TEST_F(ExFastMutex, UnsafeLeavesTheIrqlAlone) {
  mutex.OldIrql = HIGH_LEVEL;
  KeEnterCriticalRegion();
  ExAcquireFastMutexUnsafe(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(mutex.Count, 0);
  EXPECT_EQ(mutex.Owner, PsGetCurrentThread());
  ExReleaseFastMutexUnsafe(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
  KeLeaveCriticalRegion();
}

TEST_F(ExFastMutex, ReleaseRestoresTheIrqlWhateverItIsNow) {
  ExAcquireFastMutex(&mutex);
  KfRaiseIrql(DISPATCH_LEVEL);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  KfRaiseIrql(APC_LEVEL);
  ExAcquireFastMutex(&mutex);
  KeLowerIrql(PASSIVE_LEVEL);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(ExFastMutex, IsRecordedAsHeld) {
  const ke::HeldLocks &held = ke::current().held;
  FAST_MUTEX another;
  ExInitializeFastMutex(&another);
  ExAcquireFastMutex(&mutex);
  EXPECT_TRUE(ExTryToAcquireFastMutex(&another));
  ASSERT_EQ(held.count(), 2u);
  EXPECT_EQ(held[0].lock, &mutex);
  EXPECT_EQ(held[0].kind(), ke::LockKind::kFastMutex);
  EXPECT_EQ(held[1].lock, &another);
  EXPECT_NE(held[1].site(), nullptr);
  ExReleaseFastMutex(&another);
  ExReleaseFastMutex(&mutex);
  EXPECT_EQ(held.count(), 0u);
}

using ExFastMutexStress = ExFastMutex;

TEST_F(ExFastMutexStress, ExcludesHoweverItIsTaken) {
  const int kRounds = rounds(500, 100000);
  Guarded guarded;
  stress([&](std::mt19937 &random, int) {
    for (int i = 0; i < kRounds; ++i) {
      switch (random() % 3) {
        case 0:
          ExAcquireFastMutex(&mutex);
          guarded.change();
          ExReleaseFastMutex(&mutex);
          break;
        case 1:
          KeEnterCriticalRegion();
          ExAcquireFastMutexUnsafe(&mutex);
          guarded.change();
          ExReleaseFastMutexUnsafe(&mutex);
          KeLeaveCriticalRegion();
          break;
        default:
          while (!ExTryToAcquireFastMutex(&mutex)) sched_yield();
          guarded.change();
          ExReleaseFastMutex(&mutex);
      }
    }
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  });
  EXPECT_EQ(guarded.first, 1LL * kStressThreads * kRounds);
  EXPECT_TRUE(guarded.whole());
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Event.Header.SignalState, 0);
}

}  // namespace
}  // namespace ntemu::test
