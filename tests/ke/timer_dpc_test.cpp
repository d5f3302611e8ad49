// Timers with a DPC.
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using base::kNtPerMillisecond;
using base::kNtPerSecond;

class KeTimerDpc : public FakeTimeTest {
 protected:
  KeTimerDpc() {
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, run, this);
    KeInitializeEvent(&ran, SynchronizationEvent, FALSE);
  }
  static VOID run(PKDPC, PVOID context, PVOID, PVOID) {
    auto &test = *static_cast<KeTimerDpc *>(context);
    test.irql = KeGetCurrentIrql();
    test.count.fetch_add(1);
    KeSetEvent(&test.ran, IO_NO_INCREMENT, FALSE);
  }
  KTIMER timer;
  KDPC dpc;
  KEVENT ran;
  std::atomic<int> count{0};
  std::atomic<KIRQL> irql{0};
};

TEST_F(KeTimerDpc, RunsAtDispatchLevelWhenTheTimerExpires) {
  KeSetTimer(&timer, relative(10), &dpc);
  EXPECT_EQ(timer.Dpc, &dpc);
  clock.advance(9);
  EXPECT_EQ(count, 0);
  clock.advance(1);
  EXPECT_EQ(wait(&ran), STATUS_SUCCESS);
  EXPECT_EQ(irql, DISPATCH_LEVEL);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  EXPECT_EQ(count, 1);
}

TEST_F(KeTimerDpc, IsQueuedBeforeASetThatIsDueReturns) {
  const KIRQL before = KeRaiseIrqlToDpcLevel();
  LARGE_INTEGER now{};
  KeSetTimer(&timer, now, &dpc);
  EXPECT_TRUE(KeReadStateTimer(&timer));
  KeLowerIrql(before);
  wait(&ran);
  EXPECT_EQ(count, 1);
}

TEST_F(KeTimerDpc, RunsAgainWithEachPeriod) {
  KeSetTimerEx(&timer, relative(10 * kNtPerMillisecond), 10, &dpc);
  for (int i = 1; i <= 5; ++i) {
    clock.advance(10 * kNtPerMillisecond);
    wait(&ran);
    EXPECT_EQ(count, i);
  }
  EXPECT_TRUE(KeCancelTimer(&timer));
}

TEST_F(KeTimerDpc, OfACancelledTimerDoesNotRun) {
  KeSetTimer(&timer, relative(10), &dpc);
  EXPECT_TRUE(KeCancelTimer(&timer));
  KTIMER probe;
  KeInitializeTimer(&probe);
  KeSetTimer(&probe, relative(10), nullptr);
  clock.advance(10);
  wait(&probe);
  KeFlushQueuedDpcs();
  EXPECT_EQ(count, 0);
}

TEST_F(KeTimerDpc, MaySetItsTimerAgain) {
  struct Chain {
    KTIMER timer;
    KDPC dpc;
    KEVENT done;
    int left = 3;
    static VOID run(PKDPC dpc, PVOID context, PVOID, PVOID) {
      auto &chain = *static_cast<Chain *>(context);
      LARGE_INTEGER now{};
      if (--chain.left > 0) {
        KeSetTimer(&chain.timer, now, dpc);
      } else {
        KeSetEvent(&chain.done, IO_NO_INCREMENT, FALSE);
      }
    }
  } chain;
  KeInitializeTimer(&chain.timer);
  KeInitializeDpc(&chain.dpc, Chain::run, &chain);
  KeInitializeEvent(&chain.done, NotificationEvent, FALSE);
  KeSetTimer(&chain.timer, relative(10), &chain.dpc);
  clock.advance(10);
  EXPECT_EQ(wait(&chain.done), STATUS_SUCCESS);
  EXPECT_EQ(chain.left, 0);
}

class KeTimerDpcRest : public KernelTest {
 protected:
  KTIMER timer;
  KDPC dpc;
  static VOID run(PKDPC, PVOID, PVOID, PVOID) {}
};

TEST_F(KeTimerDpcRest, AMachineWithOneToComeIsNotDone) {
  KeInitializeTimer(&timer);
  KeInitializeDpc(&dpc, run, nullptr);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  KeSetTimer(&timer, relative(3600 * kNtPerSecond), &dpc);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt, true), Rest::kDelayed);
  KeSetTimer(&timer, relative(20 * kNtPerMillisecond), &dpc);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
}

}  // namespace
}  // namespace ntemu::test
