#include "tests/support/kernel_test.h"

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

TEST_F(ExFastMutex, ExcludesUnderContention) {
  const int kRounds = rounds(2000, 250000);
  long long counter = 0;
  const auto body = [&] {
    for (int i = 0; i < kRounds; ++i) {
      ExAcquireFastMutex(&mutex);
      counter = counter + 1;
      ExReleaseFastMutex(&mutex);
    }
  };
  { SystemThread a(body), b(body), c(body), d(body); }
  EXPECT_EQ(counter, 4LL * kRounds);
  EXPECT_EQ(mutex.Count, 1);
}

}  // namespace
}  // namespace ntemu::test
