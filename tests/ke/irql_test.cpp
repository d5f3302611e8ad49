#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using KeIrql = KernelTest;
using KeRegion = KernelTest;

TEST_F(KeIrql, RaiseReturnsTheOldLevelAndLowerRestoresIt) {
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  KIRQL old;
  KeRaiseIrql(APC_LEVEL, &old);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeRaiseIrqlToDpcLevel(), APC_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeIrql, SynchLevelIsTwelve) {
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(KeRaiseIrqlToSynchLevel(), DISPATCH_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), SYNCH_LEVEL);
  KeLowerIrql(old);
}

TEST_F(KeIrql, RaisingDownAndLoweringUpAreBugchecks) {
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  const ke::Bugcheck raise = ke::catch_bugcheck([] { KfRaiseIrql(APC_LEVEL); });
  EXPECT_EQ(raise.code, 0x09u);
  KeLowerIrql(old);
  const ke::Bugcheck lower = ke::catch_bugcheck([] { KeLowerIrql(DISPATCH_LEVEL); });
  EXPECT_EQ(lower.code, 0x0Au);
}

TEST_F(KeRegion, CriticalRegionsNest) {
  EXPECT_FALSE(KeAreApcsDisabled());
  KeEnterCriticalRegion();
  KeEnterCriticalRegion();
  EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, -2);
  EXPECT_TRUE(KeAreApcsDisabled());
  EXPECT_FALSE(KeAreAllApcsDisabled());
  KeLeaveCriticalRegion();
  EXPECT_TRUE(KeAreApcsDisabled());
  KeLeaveCriticalRegion();
  EXPECT_FALSE(KeAreApcsDisabled());
}

TEST_F(KeRegion, GuardedRegionsAndApcLevelDisableAllApcs) {
  KeEnterGuardedRegion();
  EXPECT_EQ(KeGetCurrentThread()->CombinedApcDisable, 0xFFFF0000u);
  EXPECT_TRUE(KeAreAllApcsDisabled());
  KeLeaveGuardedRegion();
  EXPECT_FALSE(KeAreAllApcsDisabled());
  const KIRQL old = KfRaiseIrql(APC_LEVEL);
  EXPECT_TRUE(KeAreAllApcsDisabled());
  KeLowerIrql(old);
}

}  // namespace
}  // namespace ntemu::test
