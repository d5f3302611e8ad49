#include <limits>

#include "ntemu/base/peek.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using base::kNtPerMillisecond;
using base::kNtPerSecond;

using KeWait = FakeTimeTest;
using KeDelay = FakeTimeTest;

TEST_F(KeWait, RelativeTimeoutEndsAtItsTimeAndNotBefore) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  NTSTATUS status = STATUS_SUCCESS;
  SystemThread thread([&] {
    LARGE_INTEGER timeout = relative(kNtPerSecond);
    status = wait(&event, &timeout);
  });
  thread.await_blocked();
  clock.advance(kNtPerSecond - 1);
  EXPECT_FALSE(thread.ended());
  EXPECT_FALSE(IsListEmpty(&event.Header.WaitListHead));
  clock.advance(1);
  thread.join();
  EXPECT_EQ(status, STATUS_TIMEOUT);
  EXPECT_TRUE(IsListEmpty(&event.Header.WaitListHead));
}

TEST_F(KeWait, AbsoluteTimeoutIsSystemTime) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  LARGE_INTEGER when;
  KeQuerySystemTime(&when);
  LARGE_INTEGER past = when;
  past.QuadPart -= 1;
  EXPECT_EQ(wait(&event, &past), STATUS_TIMEOUT);
  when.QuadPart += 5 * kNtPerSecond;
  SystemThread thread([&] { EXPECT_EQ(wait(&event, &when), STATUS_TIMEOUT); });
  thread.await_blocked();
  EXPECT_EQ(ke::deadline_of(thread.thread()), (base::Deadline{when.QuadPart, true}));
  clock.advance(5 * kNtPerSecond);
  thread.join();
}

TEST_F(KeWait, ExtremeTimeoutsAreForEver) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  for (const LONGLONG value : {std::numeric_limits<LONGLONG>::min(), std::numeric_limits<LONGLONG>::max()}) {
    SystemThread thread([&] {
      LARGE_INTEGER timeout;
      timeout.QuadPart = value;
      EXPECT_EQ(wait(&event, &timeout), STATUS_SUCCESS);
    });
    thread.await_blocked();
    clock.advance(1000 * kNtPerSecond);
    EXPECT_FALSE(thread.ended());
    KeSetEvent(&event, 0, FALSE);
  }
}

TEST_F(KeWait, RecordsItsStateInTheThread) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  clock.advance(10 * kNtPerSecond);
  SystemThread thread([&] { KeWaitForSingleObject(&event, UserRequest, UserMode, FALSE, nullptr); });
  thread.await_blocked();
  const KTHREAD &tcb = thread.tcb();
  EXPECT_EQ(tcb.State, 5);
  EXPECT_EQ(tcb.WaitReason, UserRequest);
  EXPECT_EQ(tcb.WaitMode, UserMode);
  EXPECT_EQ(tcb.WaitBlockList, &tcb.WaitBlock[0]);
  EXPECT_EQ(tcb.WaitBlock[0].Object, &event);
  EXPECT_EQ(tcb.WaitBlock[0].Thread, &tcb);
  EXPECT_EQ(tcb.WaitBlock[0].BlockState, ke::kBlockActive);
  EXPECT_EQ(tcb.WaitTime, 10 * kNtPerSecond / 156250);
  EXPECT_EQ(tcb.ContextSwitches, 1u);
  EXPECT_EQ(event.Header.WaitListHead.Flink, &tcb.WaitBlock[0].WaitListEntry);
  while (!base::peek(&tcb.KernelStack)) sched_yield();  // a few instructions more
  EXPECT_GT(base::peek(&tcb.KernelStack), tcb.StackLimit);
  EXPECT_LT(base::peek(&tcb.KernelStack), tcb.StackBase);
  KeSetEvent(&event, 0, FALSE);
}

TEST_F(KeWait, AtDispatchLevelOnlyAPollIsAllowed) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
  EXPECT_EQ(ke::catch_bugcheck([&] { wait(&event); }).code, 0xB8u);
  KeLowerIrql(old);
}

TEST_F(KeWait, SignalAndTimeoutRaceEndsInExactlyOne) {
  for (int i = 0; i < rounds(200, 20000); ++i) {
    KEVENT event;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    NTSTATUS status = STATUS_SUCCESS;
    SystemThread thread([&] {
      LARGE_INTEGER timeout = relative(kNtPerMillisecond);
      status = wait(&event, &timeout);
    });
    thread.await_blocked();
    SystemThread setter([&] { KeSetEvent(&event, 0, FALSE); });
    clock.advance(kNtPerMillisecond);
    thread.join();
    setter.join();
    EXPECT_EQ(KeReadStateEvent(&event), status == STATUS_TIMEOUT ? 1 : 0);
    EXPECT_TRUE(IsListEmpty(&event.Header.WaitListHead));
  }
}

TEST_F(KeWait, ThreadsAreSignaledWhenTheyEnd) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&event); });
  EXPECT_EQ(poll(&thread.thread()), STATUS_TIMEOUT);
  KeSetEvent(&event, 0, FALSE);
  EXPECT_EQ(wait(&thread.thread()), STATUS_SUCCESS);
  EXPECT_EQ(wait(&thread.thread()), STATUS_SUCCESS);
}

TEST_F(KeDelay, LastsItsIntervalAndSucceeds) {
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  SystemThread thread([&] {
    LARGE_INTEGER interval = relative(30 * 60 * kNtPerSecond);
    status = KeDelayExecutionThread(KernelMode, FALSE, &interval);
  });
  thread.await_blocked();
  EXPECT_EQ(thread.tcb().WaitReason, DelayExecution);
  EXPECT_EQ(thread.tcb().WaitBlockList, nullptr);
  clock.advance(30 * 60 * kNtPerSecond - 1);
  EXPECT_FALSE(thread.ended());
  clock.advance(1);
  thread.join();
  EXPECT_EQ(status, STATUS_SUCCESS);
}

TEST_F(KeDelay, ZeroAndPastReturnAtOnce) {
  LARGE_INTEGER zero{};
  EXPECT_EQ(KeDelayExecutionThread(KernelMode, FALSE, &zero), STATUS_SUCCESS);
  LARGE_INTEGER past;
  past.QuadPart = 1;
  EXPECT_EQ(KeDelayExecutionThread(KernelMode, FALSE, &past), STATUS_SUCCESS);
}

TEST_F(KeDelay, AtDispatchLevelIsABugcheck) {
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  LARGE_INTEGER interval = relative(1);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeDelayExecutionThread(KernelMode, FALSE, &interval); }).code, 0xB8u);
  KeLowerIrql(old);
}

TEST_F(KeDelay, ClocksAgree) {
  LARGE_INTEGER before, after, frequency, ticks;
  KeQuerySystemTime(&before);
  const ULONGLONG interrupt = KeQueryInterruptTime();
  const LARGE_INTEGER counter = KeQueryPerformanceCounter(&frequency);
  clock.advance(kNtPerSecond);
  KeQuerySystemTimePrecise(&after);
  EXPECT_EQ(after.QuadPart - before.QuadPart, kNtPerSecond);
  EXPECT_EQ(KeQueryInterruptTime() - interrupt, static_cast<ULONGLONG>(kNtPerSecond));
  EXPECT_EQ(KeQueryPerformanceCounter(nullptr).QuadPart - counter.QuadPart, frequency.QuadPart);
  KeQueryTickCount(&ticks);
  EXPECT_EQ(ticks.QuadPart, kNtPerSecond / KeQueryTimeIncrement());
}

}  // namespace
}  // namespace ntemu::test
