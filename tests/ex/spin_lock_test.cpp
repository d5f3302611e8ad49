#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

constexpr LONG kExclusive = MINLONG;

class ExSpinLock : public KernelTest {
 protected:
  EX_SPIN_LOCK lock = 0;
  LONG word() { return __atomic_load_n(&lock, __ATOMIC_ACQUIRE); }
};

TEST_F(ExSpinLock, ExclusiveRaisesToDispatchLevelAndBack) {
  const KIRQL old = ExAcquireSpinLockExclusive(&lock);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  EXPECT_EQ(lock, kExclusive);
  ExReleaseSpinLockExclusive(&lock, old);
  EXPECT_EQ(lock, 0);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(ExSpinLock, SharedCountsReaders) {
  const KIRQL old = ExAcquireSpinLockShared(&lock);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  ExAcquireSpinLockSharedAtDpcLevel(&lock);
  EXPECT_EQ(lock, 2);
  ExReleaseSpinLockSharedFromDpcLevel(&lock);
  EXPECT_EQ(lock, 1);
  ExReleaseSpinLockShared(&lock, old);
  EXPECT_EQ(lock, 0);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(ExSpinLock, AtDpcLevelLeavesTheIrqlAlone) {
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  ExAcquireSpinLockExclusiveAtDpcLevel(&lock);
  EXPECT_EQ(lock, kExclusive);
  ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
  EXPECT_EQ(lock, 0);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeLowerIrql(old);
}

TEST_F(ExSpinLock, TryFailsWhereAcquireWouldSpin) {
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_TRUE(ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock));
  EXPECT_FALSE(ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock));
  EXPECT_FALSE(ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
  ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
  EXPECT_TRUE(ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
  EXPECT_TRUE(ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
  EXPECT_FALSE(ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock));
  EXPECT_EQ(lock, 2);
  ExReleaseSpinLockSharedFromDpcLevel(&lock), ExReleaseSpinLockSharedFromDpcLevel(&lock);
  EXPECT_EQ(ke::current().held.count(), 0u);
  KeLowerIrql(old);
}

TEST_F(ExSpinLock, ConvertsOnlyASoleReader) {
  const KIRQL old = ExAcquireSpinLockShared(&lock);
  ExAcquireSpinLockSharedAtDpcLevel(&lock);
  EXPECT_FALSE(ExTryConvertSharedSpinLockExclusive(&lock));
  EXPECT_EQ(lock, 2);
  ExReleaseSpinLockSharedFromDpcLevel(&lock);
  EXPECT_TRUE(ExTryConvertSharedSpinLockExclusive(&lock));
  EXPECT_EQ(lock, kExclusive);
  EXPECT_EQ(ke::current().held[0].kind(), ke::LockKind::kSpinLock);
  ExReleaseSpinLockExclusive(&lock, old);
  EXPECT_EQ(lock, 0);
}

TEST_F(ExSpinLock, AWriterThatSpinsKeepsNewReadersOut) {
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  SystemThread writer([&] {
    wait(&go);
    const KIRQL before = ExAcquireSpinLockExclusive(&lock);
    EXPECT_EQ(word(), kExclusive);
    ExReleaseSpinLockExclusive(&lock, before);
  });
  const KIRQL old = ExAcquireSpinLockShared(&lock);
  KeSetEvent(&go, 0, FALSE);
  while (word() != kExclusive + 1) sched_yield();
  EXPECT_FALSE(ExTryAcquireSpinLockSharedAtDpcLevel(&lock));
  EXPECT_FALSE(ExTryConvertSharedSpinLockExclusive(&lock));
  EXPECT_EQ(word(), kExclusive + 1);
  ExReleaseSpinLockShared(&lock, old);
  writer.join();
  EXPECT_EQ(lock, 0);
}

using ExSpinLockStress = ExSpinLock;

TEST_F(ExSpinLockStress, ExcludesWritersAndAdmitsReaders) {
  const int kRounds = rounds(300, 50000);
  Guarded guarded;
  std::atomic<long long> changes{0};
  stress([&](std::mt19937 &random, int) {
    for (int i = 0; i < kRounds; ++i) {
      switch (random() % 4) {
        case 0: {
          const KIRQL old = ExAcquireSpinLockExclusive(&lock);
          guarded.change();
          ExReleaseSpinLockExclusive(&lock, old);
          ++changes;
          break;
        }
        case 1: {
          const KIRQL old = ExAcquireSpinLockShared(&lock);
          EXPECT_TRUE(guarded.whole());
          if (ExTryConvertSharedSpinLockExclusive(&lock)) {
            guarded.change();
            ExReleaseSpinLockExclusive(&lock, old);
            ++changes;
          } else {
            ExReleaseSpinLockShared(&lock, old);
          }
          break;
        }
        case 2: {
          const KIRQL old = KeRaiseIrqlToDpcLevel();
          if (ExTryAcquireSpinLockExclusiveAtDpcLevel(&lock)) {
            guarded.change();
            ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
            ++changes;
          }
          KeLowerIrql(old);
          break;
        }
        default: {
          const KIRQL old = ExAcquireSpinLockShared(&lock);
          EXPECT_TRUE(guarded.whole());
          ExReleaseSpinLockShared(&lock, old);
        }
      }
    }
  });
  EXPECT_EQ(guarded.first, changes.load());
  EXPECT_TRUE(guarded.whole());
  EXPECT_EQ(lock, 0);
}

}  // namespace
}  // namespace ntemu::test
