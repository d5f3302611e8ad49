// How the order of two threads' work is tested without a sleep: calls in sequence, and a thread that a mock keeps.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::ContainsRegex;
using ::testing::DoAll;
using ::testing::InSequence;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace {

class Kmutex : public ::testing::Test {
 protected:
  Kmutex() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  Machine machine;
};

TEST_F(Kmutex, MovesEveryFile) {
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), IsEmpty());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
  EXPECT_THAT(machine.debug_lines(), UnorderedElementsAre("kmutex: created 1000 files", "kmutex: moved 1000 files"));
  EXPECT_THAT(machine.unload("kmutex"), NtSucceeds());
}

TEST_F(Kmutex, DoesOneThreadsWholeWorkBeforeTheOthers) {
  MockKernel kernel;
  {
    InSequence order;
    EXPECT_CALL(kernel.ZwCreateFile, Call).Times(1000);
    EXPECT_CALL(kernel.KeReleaseMutex, Call);
    EXPECT_CALL(kernel.ZwOpenFile, Call).Times(1000);
    EXPECT_CALL(kernel.KeReleaseMutex, Call);
  }
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST_F(Kmutex, LetsTheMoverWaitForTheCreator) {
  KEVENT go_on;
  KeInitializeEvent(&go_on, NotificationEvent, FALSE);
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwCreateFile, Call)
      .WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal()))
      .WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(machine.describe_threads(),
              ContainsRegex("kmutex!MoverThread\\) Waiting Executive for .*, on Mutant 0x.*, owned by thread"));
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
}

TEST_F(Kmutex, WaitsForItsThreadsWhenItIsUnloaded) {
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_THAT(machine.unload("kmutex"), NtSucceeds());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
}

TEST_F(Kmutex, IsNotLoadedWithoutADevice) {
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call).WillOnce(Return(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_CALL(kernel.PsCreateSystemThread, Call).Times(0);
  EXPECT_THAT(machine.load("kmutex"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(Kmutex, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .status = STATUS_ACCESS_DENIED});
  EXPECT_THAT(machine.load("kmutex"), NtFailsWith(STATUS_ACCESS_DENIED));
  EXPECT_EQ(machine.driver("kmutex"), nullptr);
}

TEST_F(Kmutex, GoesOnWithoutItsSecondThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .skip = 1});
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.debug_lines(),
              UnorderedElementsAre("no thread to move the files: status c000009a", "kmutex: created 1000 files"));
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
  EXPECT_THAT(machine.unload("kmutex"), NtSucceeds());
}

TEST_F(Kmutex, ItsThreadsMayAlsoReturn) {
  MockKernel kernel;
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST(KmutexLoad, FailsCleanlyWhateverFails) {
  FaultSweep([] {
    Machine machine;
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
    machine.load("kmutex");
    machine.run_to_end();
  });
}

}  // namespace
