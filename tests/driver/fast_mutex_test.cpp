// What the state of a lock is while a thread waits for it, and at which IRQL its owner works.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::ContainsRegex;
using ::testing::DoAll;
using ::testing::InSequence;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SaveArg;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace {

class FastMutex : public ::testing::Test {
 protected:
  FastMutex() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  Machine machine;
};

TEST_F(FastMutex, MovesEveryFile) {
  ASSERT_THAT(machine.load("fast_mutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), IsEmpty());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
  EXPECT_THAT(machine.debug_lines(),
              UnorderedElementsAre("fast_mutex: created 1000 files", "fast_mutex: moved 1000 files"));
  EXPECT_THAT(machine.unload("fast_mutex"), NtSucceeds());
}

TEST_F(FastMutex, DoesOneThreadsWholeWorkBeforeTheOthersAtApcLevel) {
  MockKernel kernel;
  {
    InSequence order;
    EXPECT_CALL(kernel.ZwCreateFile, Call).With(AtIrql(APC_LEVEL)).Times(1000);
    EXPECT_CALL(kernel.ExReleaseFastMutex, Call);
    EXPECT_CALL(kernel.ZwOpenFile, Call).With(AtIrql(APC_LEVEL)).Times(1000);
    EXPECT_CALL(kernel.ExReleaseFastMutex, Call);
  }
  ASSERT_THAT(machine.load("fast_mutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST_F(FastMutex, ShowsThatTheMoverWaits) {
  PFAST_MUTEX mutex = nullptr;
  KEVENT go_on;
  KeInitializeEvent(&go_on, NotificationEvent, FALSE);
  MockKernel kernel;
  EXPECT_CALL(kernel.ExInitializeFastMutex, Call).WillOnce(DoAll(SaveArg<0>(&mutex), CallsReal()));
  EXPECT_CALL(kernel.ZwCreateFile, Call)
      .WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal()))
      .WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("fast_mutex"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(
      machine.describe_threads(),
      ContainsRegex("fast_mutex!MoverThread\\) Waiting WrFastMutex for .*, on fast mutex event 0x.*, owned by thread"));
  EXPECT_EQ(mutex->Count, 4);
  EXPECT_EQ(mutex->Contention, 1u);
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_EQ(mutex->Count, 1);
  EXPECT_EQ(mutex->Owner, nullptr);
}

TEST_F(FastMutex, IsNotLoadedWithoutADevice) {
  Faults faults;
  faults.fail({.api = "IoCreateDevice"});
  EXPECT_THAT(machine.load("fast_mutex"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(FastMutex, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread"});
  EXPECT_THAT(machine.load("fast_mutex"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(FastMutex, GoesOnWithoutItsSecondThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .skip = 1});
  ASSERT_THAT(machine.load("fast_mutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
}

TEST_F(FastMutex, ItsThreadsMayAlsoReturn) {
  MockKernel kernel;
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("fast_mutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

}  // namespace
