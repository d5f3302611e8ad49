#include <gtest/gtest-spi.h>
#include <ntemu/testing.h>

#include <atomic>

using namespace ntemu::testing;
using ::testing::_;
using ::testing::DoAll;
using ::testing::Invoke;
using ::testing::Return;

namespace {

TEST(MockKernel, AnExpectedCallIsReplaced) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call(_, 0, UnicodeStringEq(u"\\Device\\Hello")))
      .WillOnce(Return(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_THAT(machine.load("hello"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_EQ(machine.device("\\Device\\Hello"), nullptr);
}

TEST(MockKernel, WhatNoActionDecidesTheEmulationDoes) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call);
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
  EXPECT_NE(machine.device("\\Device\\Hello"), nullptr);
}

TEST(MockKernel, AnActionMayCallTheApiItself) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call)
      .WillOnce([](PDRIVER_OBJECT driver, ULONG size, PUNICODE_STRING name, DEVICE_TYPE type, ULONG characteristics,
                   BOOLEAN exclusive, PDEVICE_OBJECT *device) {
        const NTSTATUS status = IoCreateDevice(driver, size + 16, name, type, characteristics, exclusive, device);
        return status;
      });
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
  ASSERT_NE(machine.device("\\Device\\Hello"), nullptr);
  EXPECT_NE(machine.device("\\Device\\Hello")->DeviceExtension, nullptr);
}

TEST(MockKernel, ItsEndBringsTheEmulationBack) {
  Machine machine;
  {
    MockKernel kernel;
    EXPECT_CALL(kernel.IoCreateDevice, Call).WillRepeatedly(Return(STATUS_NO_MEMORY));
    EXPECT_THAT(machine.load("hello"), NtFailsWith(STATUS_NO_MEMORY));
  }
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
}

TEST(MockKernel, OneOfThisThreadDoesNotSeeOthers) {
  Machine machine;
  MockKernel kernel(Scope::kThisThread);
  EXPECT_CALL(kernel.KeGetCurrentIrql, Call).Times(1).WillOnce(Return(KIRQL{7}));
  EXPECT_EQ(KeGetCurrentIrql(), 7);
  RunInSystemThread([] { EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL); });
}

TEST(MockKernel, TheNewestOfTwoDecidesAndPassesOnWhatIsNotItsOwn) {
  Machine machine;
  MockKernel everywhere;
  EXPECT_CALL(everywhere.KeGetCurrentIrql, Call).WillRepeatedly(Return(KIRQL{3}));
  MockKernel here(Scope::kThisThread);
  EXPECT_CALL(here.KeGetCurrentIrql, Call).WillOnce(Return(KIRQL{4}));
  EXPECT_EQ(KeGetCurrentIrql(), 4);
  RunInSystemThread([] { EXPECT_EQ(KeGetCurrentIrql(), 3); });
}

TEST(MockKernel, CallsOfThreadsAreOrdered) {
  Machine machine;
  MockKernel kernel;
  KEVENT first, second;
  KeInitializeEvent(&first, NotificationEvent, FALSE);
  KeInitializeEvent(&second, NotificationEvent, FALSE);
  ::testing::InSequence order;
  EXPECT_CALL(kernel.KeSetEvent, Call(&first));
  EXPECT_CALL(kernel.KeSetEvent, Call(&second));
  RunInSystemThread([&] { KeSetEvent(&first, 0, FALSE); });
  RunInSystemThread([&] { KeSetEvent(&second, 0, FALSE); });
}

TEST(MockKernel, PrintingIsMockedInItsVaListForm) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.vDbgPrintEx, Call(_, _, ::testing::StartsWith("sample:"))).WillOnce(Return(STATUS_SUCCESS));
  EXPECT_THAT(machine.load("testing_sample"), NtSucceeds());
  EXPECT_EQ(machine.debug_output(), "");
}

TEST(MockKernel, ACallThatDoesNotComeFailsTheTest) {
  Machine machine;
  EXPECT_NONFATAL_FAILURE(
      {
        MockKernel kernel;
        EXPECT_CALL(kernel.KeGetCurrentIrql, Call);
      },
      "Actual function call count doesn't match EXPECT_CALL(kernel.KeGetCurrentIrql, Call)");
}

TEST(MockKernel, ARealCallThatBlocksKeepsNothingFromEnding) {
  Machine machine;
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  std::unique_ptr<SystemThread> thread;
  {
    MockKernel kernel;
    EXPECT_CALL(kernel.KeWaitForSingleObject, Call(&event));
    thread =
        std::make_unique<SystemThread>([&] { KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr); });
    WaitUntilBlocked(*thread);
  }
  KeSetEvent(&event, 0, FALSE);
  thread->join();
}

VOID clear(PVOID event) { KeClearEvent(static_cast<PKEVENT>(event)); }

TEST(MockKernel, SeesACallInTheLastLineOfARoutine) {
  Machine machine;
  KEVENT event;
  MockKernel kernel;
  EXPECT_CALL(kernel.KeClearEvent, Call(&event)).WillOnce(Return());
  HANDLE thread;
  ASSERT_THAT(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, clear, &event), NtSucceeds());
  ZwClose(thread);
  EXPECT_TRUE(machine.run_to_end());
}

TEST(MockKernel, AnActionThatNeverEndsKeepsNothingFromEnding) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "to LeakSanitizer, what the frames of such a thread own is lost";
#endif
  Machine machine;
  KEVENT never;
  KeInitializeEvent(&never, NotificationEvent, FALSE);
  MockKernel kernel;
  EXPECT_CALL(kernel.KeClearEvent, Call).WillOnce(DoAll(WaitsForEvent(&never), CallsReal()));
  HANDLE thread;
  ASSERT_THAT(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, clear, &never), NtSucceeds());
  ZwClose(thread);
  EXPECT_EQ(machine.await_rest(), ntemu::Rest::kWaiting);
  machine.forgive_leaks();
}

TEST(StrictMockKernel, FailsForWhatNobodyExpects) {
  Machine machine;
  StrictMockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call);
  EXPECT_CALL(kernel.IoCreateSymbolicLink, Call);
  EXPECT_CALL(kernel.IoDeleteDevice, Call);
  EXPECT_CALL(kernel.vDbgPrintEx, Call).Times(::testing::AnyNumber());
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
  EXPECT_NONFATAL_FAILURE_ON_ALL_THREADS(machine.unload("hello"), "Unexpected call of IoDeleteSymbolicLink at ");
}

}  // namespace
