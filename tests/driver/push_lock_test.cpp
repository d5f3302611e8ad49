// A lock that records no owner: what a test can see of it, and that it is held where the rules want it to be.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::DoAll;
using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::InvokeWithoutArgs;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Return;
using ::testing::SaveArg;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace {

class PushLock : public ::testing::Test {
 protected:
  PushLock() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  Machine machine;
};

TEST_F(PushLock, MovesEveryFile) {
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), IsEmpty());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
  EXPECT_THAT(machine.debug_lines(),
              UnorderedElementsAre("push_lock: created 1000 files", "push_lock: moved 1000 files"));
  EXPECT_THAT(machine.unload("push_lock"), NtSucceeds());
}

// The WDK's ExReleasePushLockExclusive is a macro: what is mocked is the function that it calls.
TEST_F(PushLock, DoesOneThreadsWholeWorkBeforeTheOthers) {
  MockKernel kernel;
  {
    InSequence order;
    EXPECT_CALL(kernel.ZwCreateFile, Call).Times(1000);
    EXPECT_CALL(kernel.ExReleasePushLockExclusiveEx, Call);
    EXPECT_CALL(kernel.ZwOpenFile, Call).Times(1000);
    EXPECT_CALL(kernel.ExReleasePushLockExclusiveEx, Call);
  }
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST_F(PushLock, IsHeldInsideACriticalRegion) {
  const auto expect_region = InvokeWithoutArgs([] { EXPECT_TRUE(KeAreApcsDisabled()); });
  MockKernel kernel;
  EXPECT_CALL(kernel.ExAcquirePushLockExclusiveEx, Call).Times(2).WillRepeatedly(DoAll(expect_region, CallsReal()));
  EXPECT_CALL(kernel.ExReleasePushLockExclusiveEx, Call).Times(2).WillRepeatedly(DoAll(expect_region, CallsReal()));
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST_F(PushLock, IsOnePointerWithoutAnOwner) {
  PEX_PUSH_LOCK lock = nullptr;
  KEVENT go_on;
  KeInitializeEvent(&go_on, NotificationEvent, FALSE);
  MockKernel kernel;
  EXPECT_CALL(kernel.ExInitializePushLock, Call).WillOnce(DoAll(SaveArg<0>(&lock), CallsReal()));
  EXPECT_CALL(kernel.ZwCreateFile, Call)
      .WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal()))
      .WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(machine.describe_threads(),
              AllOf(ContainsRegex("push_lock!MoverThread\\) Waiting WrPushLock"), Not(HasSubstr("owned by"))));
  static_assert(sizeof *lock == sizeof(void *));
  EXPECT_NE(*lock, 0u);
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_EQ(*lock, 0u);
}

TEST_F(PushLock, IsNotLoadedWithoutADevice) {
  Faults faults;
  faults.fail({.api = "IoCreateDevice"});
  EXPECT_THAT(machine.load("push_lock"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(PushLock, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread"});
  EXPECT_THAT(machine.load("push_lock"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(PushLock, GoesOnWithoutItsSecondThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .skip = 1});
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
}

TEST_F(PushLock, ItsThreadsMayAlsoReturn) {
  MockKernel kernel;
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("push_lock"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

}  // namespace
