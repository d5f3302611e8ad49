#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

class KeSpinLock : public KernelTest {
 protected:
  KeSpinLock() { KeInitializeSpinLock(&lock); }
  ULONG_PTR mine() { return reinterpret_cast<ULONG_PTR>(KeGetCurrentThread()) | 1; }
  KSPIN_LOCK lock;
};
using KeQueuedSpinLock = KeSpinLock;
class SpinLockStress : public AnyCpus {};

TEST_F(KeSpinLock, RaisesAndNamesItsOwner) {
  EXPECT_EQ(lock, 0u);
  KIRQL old = 99;
  KeAcquireSpinLock(&lock, &old);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  EXPECT_EQ(lock, mine());
  EXPECT_FALSE(KeTestSpinLock(&lock));
  EXPECT_FALSE(KeTryToAcquireSpinLockAtDpcLevel(&lock));
  KeReleaseSpinLock(&lock, old);
  EXPECT_EQ(lock, 0u);
  EXPECT_TRUE(KeTestSpinLock(&lock));
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeSpinLock, RestoresApcLevel) {
  KfRaiseIrql(APC_LEVEL);
  EXPECT_EQ(KeAcquireSpinLockRaiseToDpc(&lock), APC_LEVEL);
  KeReleaseSpinLock(&lock, APC_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(KeSpinLock, AtDpcLevelLeavesTheIrqlAlone) {
  const KIRQL old = KfRaiseIrql(SYNCH_LEVEL);
  KeAcquireSpinLockAtDpcLevel(&lock);
  EXPECT_EQ(KeGetCurrentIrql(), SYNCH_LEVEL);
  EXPECT_EQ(lock, mine());
  KeReleaseSpinLockFromDpcLevel(&lock);
  EXPECT_EQ(lock, 0u);
  EXPECT_TRUE(KeTryToAcquireSpinLockAtDpcLevel(&lock));
  EXPECT_EQ(lock, mine());
  KeReleaseSpinLockFromDpcLevel(&lock);
  EXPECT_EQ(KeGetCurrentIrql(), SYNCH_LEVEL);
  KeLowerIrql(old);
}

TEST_F(KeSpinLock, ForDpcRaisesOnlyFromBelow) {
  KIRQL old = KeAcquireSpinLockForDpc(&lock);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeReleaseSpinLockForDpc(&lock, old);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  KeRaiseIrqlToDpcLevel();
  old = KeAcquireSpinLockForDpc(&lock);
  EXPECT_EQ(old, DISPATCH_LEVEL);
  KeReleaseSpinLockForDpc(&lock, old);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(KeSpinLock, AReleaseWithoutAnAcquireIsBugcheck10) {
  KeRaiseIrqlToDpcLevel();
  const ke::Bugcheck free = ke::catch_bugcheck([&] { KeReleaseSpinLockFromDpcLevel(&lock); });
  EXPECT_EQ(free.code, 0x10u);
  EXPECT_EQ(free.parameters[0], reinterpret_cast<ULONG_PTR>(&lock));
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseSpinLock(&lock, DISPATCH_LEVEL); }).code, 0x10u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseSpinLockForDpc(&lock, DISPATCH_LEVEL); }).code, 0x10u);
  KeAcquireSpinLockAtDpcLevel(&lock);
  KeLowerIrql(PASSIVE_LEVEL);
  SystemThread other([&] {
    KeRaiseIrqlToDpcLevel();
    EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseSpinLockFromDpcLevel(&lock); }).code, 0x10u);
    KeLowerIrql(PASSIVE_LEVEL);
  });
  other.join();
  KeReleaseSpinLockFromDpcLevel(&lock);
}

TEST_F(KeSpinLock, IsRecordedWithItsCaller) {
  const ke::HeldLocks &held = ke::current().held;
  ASSERT_EQ(held.count(), 0u);
  KIRQL old;
  KeAcquireSpinLock(&lock, &old);
  ASSERT_EQ(held.count(), 1u);
  EXPECT_EQ(held[0].lock, &lock);
  EXPECT_EQ(held[0].kind(), ke::LockKind::kSpinLock);
  EXPECT_NE(held[0].site(), nullptr);
  KLOCK_QUEUE_HANDLE handle;
  KSPIN_LOCK second = 0;
  KeAcquireInStackQueuedSpinLock(&second, &handle);
  ASSERT_EQ(held.count(), 2u);
  EXPECT_EQ(held[1].lock, &second);
  KeReleaseInStackQueuedSpinLock(&handle);
  KeReleaseSpinLock(&lock, old);
  EXPECT_EQ(held.count(), 0u);
}

TEST_F(KeQueuedSpinLock, RaisesAndPointsToItsHandle) {
  KLOCK_QUEUE_HANDLE handle;
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  EXPECT_EQ(handle.OldIrql, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  EXPECT_EQ(lock, reinterpret_cast<ULONG_PTR>(&handle.LockQueue));
  EXPECT_EQ(handle.LockQueue.Lock, &lock);
  EXPECT_EQ(handle.LockQueue.Next, nullptr);
  EXPECT_FALSE(KeTestSpinLock(&lock));
  KeReleaseInStackQueuedSpinLock(&handle);
  EXPECT_EQ(lock, 0u);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeQueuedSpinLock, AtDpcLevelAndForDpc) {
  KLOCK_QUEUE_HANDLE handle;
  KeRaiseIrqlToDpcLevel();
  KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
  EXPECT_NE(lock, 0u);
  KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeAcquireInStackQueuedSpinLockForDpc(&lock, &handle);
  EXPECT_EQ(handle.OldIrql, DISPATCH_LEVEL);
  KeReleaseInStackQueuedSpinLockForDpc(&handle);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
  KeAcquireInStackQueuedSpinLockForDpc(&lock, &handle);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeReleaseInStackQueuedSpinLockForDpc(&handle);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(lock, 0u);
}

TEST_F(KeQueuedSpinLock, AReleaseWithoutAnAcquireIsBugcheck10) {
  KLOCK_QUEUE_HANDLE handle{};
  KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle); }).code, 0x10u);
  KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
  KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle); }).code, 0x10u);
  KeLowerIrql(PASSIVE_LEVEL);
}

class KeQueuedSpinLockOrder : public WithCpus<6> {};

TEST_F(KeQueuedSpinLockOrder, IsThatOfTheCalls) {
  KSPIN_LOCK lock = 0;
  std::vector<int> order;
  KLOCK_QUEUE_HANDLE mine, theirs[4];
  std::vector<std::unique_ptr<SystemThread>> threads;
  std::atomic<int> waiting{0};
  std::atomic<bool> held{false};
  // Holds the lock until all the others wait for it, one behind the other.
  SystemThread holder([&] {
    KeAcquireInStackQueuedSpinLock(&lock, &mine);
    held = true;
    for (uint32_t round = 0; waiting.load() < 4; ++round) ke::spin(round);
    KeReleaseInStackQueuedSpinLock(&mine);
  });
  for (uint32_t round = 0; !held.load(); ++round) ke::spin(round);
  for (int i = 0; i < 4; ++i) {
    threads.push_back(std::make_unique<SystemThread>([&, i] {
      KeAcquireInStackQueuedSpinLock(&lock, &theirs[i]);
      order.push_back(i);
      KeReleaseInStackQueuedSpinLock(&theirs[i]);
    }));
    const auto queued = reinterpret_cast<ULONG_PTR>(&theirs[i].LockQueue);
    for (uint32_t round = 0; __atomic_load_n(&lock, __ATOMIC_ACQUIRE) != queued; ++round) ke::spin(round);
    ++waiting;
  }
  holder.join();
  threads.clear();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST_P(SpinLockStress, ExcludesInEveryForm) {
  KSPIN_LOCK lock = 0;
  long long counter = 0, total = 0;
  const int kRounds = rounds(1500, 200000);
  const auto body = [&](unsigned seed) {
    long long done = 0;
    for (int i = 0; i < kRounds; ++i) {
      seed = seed * 1664525 + 1013904223;
      KIRQL old;
      KLOCK_QUEUE_HANDLE handle;
      switch (seed >> 24 & 3) {
        case 0:
          KeAcquireSpinLock(&lock, &old);
          ++counter;
          ++done;
          KeReleaseSpinLock(&lock, old);
          break;
        case 1:
          KeAcquireInStackQueuedSpinLock(&lock, &handle);
          ++counter;
          ++done;
          KeReleaseInStackQueuedSpinLock(&handle);
          break;
        case 2:
          old = KeRaiseIrqlToDpcLevel();
          if (KeTryToAcquireSpinLockAtDpcLevel(&lock)) {
            ++counter;
            ++done;
            KeReleaseSpinLockFromDpcLevel(&lock);
          }
          KeLowerIrql(old);
          break;
        default:
          old = KfRaiseIrql(SYNCH_LEVEL);
          KeAcquireSpinLockAtDpcLevel(&lock);
          ++counter;
          ++done;
          KeReleaseSpinLockFromDpcLevel(&lock);
          KeLowerIrql(old);
      }
    }
    KIRQL old;
    KeAcquireSpinLock(&lock, &old);
    total += done;
    KeReleaseSpinLock(&lock, old);
  };
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned i = 0; i < 8; ++i) threads.push_back(std::make_unique<SystemThread>([&, i] { body(i); }));
  }
  EXPECT_EQ(counter, total);
  EXPECT_EQ(lock, 0u);
}

INSTANTIATE_TEST_SUITE_P(Cpus, SpinLockStress, ::testing::Values(1u, 2u, 4u));

}  // namespace
}  // namespace ntemu::test
