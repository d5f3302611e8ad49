#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class ExRundown : public KernelTest {
 protected:
  ExRundown() { ExInitializeRundownProtection(&reference); }
  EX_RUNDOWN_REF reference{{~ULONG_PTR{0}}};
};

TEST_F(ExRundown, CountsUsersInUnitsOfTwo) {
  EXPECT_EQ(reference.Count, 0u);
  EXPECT_TRUE(ExAcquireRundownProtection(&reference));
  EXPECT_EQ(reference.Count, 2u);
  EXPECT_TRUE(ExAcquireRundownProtectionEx(&reference, 3));
  EXPECT_EQ(reference.Count, 8u);
  ExReleaseRundownProtectionEx(&reference, 2);
  EXPECT_EQ(reference.Count, 4u);
  ExReleaseRundownProtection(&reference), ExReleaseRundownProtection(&reference);
  EXPECT_EQ(reference.Count, 0u);
}

TEST_F(ExRundown, EndsAtOnceWithoutUsers) {
  ExWaitForRundownProtectionRelease(&reference);
  EXPECT_EQ(reference.Count, 1u);
  EXPECT_FALSE(ExAcquireRundownProtection(&reference));
  EXPECT_FALSE(ExAcquireRundownProtectionEx(&reference, 5));
  EXPECT_EQ(reference.Count, 1u);
  ExWaitForRundownProtectionRelease(&reference);
  ExRundownCompleted(&reference);
  EXPECT_EQ(reference.Count, 1u);
}

TEST_F(ExRundown, ReInitializeMakesItUsableAgain) {
  ExWaitForRundownProtectionRelease(&reference);
  ExReInitializeRundownProtection(&reference);
  EXPECT_EQ(reference.Count, 0u);
  EXPECT_TRUE(ExAcquireRundownProtection(&reference));
  ExReleaseRundownProtection(&reference);
}

TEST_F(ExRundown, WaitsForEveryUserAndAdmitsNoMore) {
  ASSERT_TRUE(ExAcquireRundownProtectionEx(&reference, 3));
  SystemThread owner([&] { ExWaitForRundownProtectionRelease(&reference); });
  owner.await_blocked();
  EXPECT_EQ(owner.tcb().WaitReason, WrRundown);
  EXPECT_EQ(reference.Count & 1, 1u);
  EXPECT_FALSE(ExAcquireRundownProtection(&reference));
  ExReleaseRundownProtection(&reference);
  ExReleaseRundownProtection(&reference);
  EXPECT_FALSE(owner.ended());
  ExReleaseRundownProtection(&reference);
  owner.join();
  EXPECT_EQ(reference.Count, 1u);
}

TEST_F(ExRundown, AllWhoWaitSeeTheEnd) {
  ASSERT_TRUE(ExAcquireRundownProtection(&reference));
  const auto body = [&] { ExWaitForRundownProtectionRelease(&reference); };
  SystemThread first(body), second(body), third(body);
  first.await_blocked(), second.await_blocked(), third.await_blocked();
  ExReleaseRundownProtection(&reference);
  first.join(), second.join(), third.join();
  EXPECT_EQ(reference.Count, 1u);
}

TEST_F(ExRundown, CacheAwareFormsDoTheSame) {
  PEX_RUNDOWN_REF_CACHE_AWARE aware = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, 'tseT');
  ASSERT_NE(aware, nullptr);
  EXPECT_TRUE(ExAcquireRundownProtectionCacheAware(aware));
  EXPECT_TRUE(ExAcquireRundownProtectionCacheAwareEx(aware, 2));
  SystemThread owner([&] { ExWaitForRundownProtectionReleaseCacheAware(aware); });
  owner.await_blocked();
  EXPECT_FALSE(ExAcquireRundownProtectionCacheAware(aware));
  EXPECT_FALSE(ExAcquireRundownProtectionCacheAwareEx(aware, 1));
  ExReleaseRundownProtectionCacheAwareEx(aware, 2);
  EXPECT_FALSE(owner.ended());
  ExReleaseRundownProtectionCacheAware(aware);
  owner.join();
  ExRundownCompletedCacheAware(aware);
  EXPECT_FALSE(ExAcquireRundownProtectionCacheAware(aware));
  ExReInitializeRundownProtectionCacheAware(aware);
  EXPECT_TRUE(ExAcquireRundownProtectionCacheAware(aware));
  ExReleaseRundownProtectionCacheAware(aware);
  ExFreeCacheAwareRundownProtection(aware);
}

TEST_F(ExRundown, CacheAwareFormTakesTheCallersMemory) {
  std::vector<ULONG64> memory(ExSizeOfRundownProtectionCacheAware() / sizeof(ULONG64), ~0ull);
  auto *aware = reinterpret_cast<PEX_RUNDOWN_REF_CACHE_AWARE>(memory.data());
  ExInitializeRundownProtectionCacheAware(aware, memory.size() * sizeof(ULONG64));
  EXPECT_TRUE(ExAcquireRundownProtectionCacheAware(aware));
  ExReleaseRundownProtectionCacheAware(aware);
  ExWaitForRundownProtectionReleaseCacheAware(aware);
  EXPECT_FALSE(ExAcquireRundownProtectionCacheAware(aware));
}

using ExRundownStress = ExRundown;

// Thread 0 runs the object down and puts a new one in its place again and again; the others use it.
TEST_F(ExRundownStress, NobodyUsesAnObjectAfterItsRundown) {
  const int kRounds = rounds(100, 2000);
  long long object = 1;
  std::atomic<bool> over{false};
  stress([&](std::mt19937 &random, int thread) {
    if (thread == 0) {
      for (int i = 0; i < kRounds; ++i) {
        ExWaitForRundownProtectionRelease(&reference);
        object = 0;
        if (random() % 2) ExRundownCompleted(&reference);
        object = 1;
        ExReInitializeRundownProtection(&reference);
        sched_yield();
      }
      over = true;
      return;
    }
    while (!over) {
      const auto count = static_cast<ULONG>(1 + random() % 3);
      if (!ExAcquireRundownProtectionEx(&reference, count)) {
        sched_yield();
        continue;
      }
      EXPECT_EQ(object, 1);
      if (count == 1) sched_yield();
      EXPECT_EQ(object, 1);
      for (ULONG i = 0; i < count; ++i) ExReleaseRundownProtection(&reference);
    }
  });
  EXPECT_EQ(reference.Count, 0u);
}

}  // namespace
}  // namespace ntemu::test
