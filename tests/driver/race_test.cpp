// How a race is tested: what holds on every run, and its outcomes one by one, each brought about by keeping a thread.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::DoAll;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SizeIs;

namespace {

class Race : public ::testing::Test {
 protected:
  Race() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
    KeInitializeEvent(&go_on, NotificationEvent, FALSE);
  }

  KEVENT go_on;
  Machine machine;
};

TEST_F(Race, LosesNoFile) {
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  size_t moved = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto here = machine.read_file("C:\\Temp\\file_" + std::to_string(i) + ".txt");
    const auto there = machine.read_file("C:\\Temp2\\NewFile_" + std::to_string(i) + ".txt");
    ASSERT_NE(here.has_value(), there.has_value()) << "file " << i << " has to be in one of the directories";
    EXPECT_THAT(here ? *here : *there, SizeIs(1500));
    moved += there.has_value();
  }
  EXPECT_THAT(machine.debug_output(), HasSubstr("race: created 1000 files"));
  EXPECT_THAT(machine.debug_output(), HasSubstr("race: moved " + std::to_string(moved) + " files"));
  EXPECT_THAT(machine.unload("race"), NtSucceeds());
}

TEST_F(Race, MovesNothingWhenTheMoverIsFirst) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwCreateFile, Call)
      .WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal()))
      .WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(machine.debug_output(), HasSubstr("race: moved 0 files"));
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), IsEmpty());
}

TEST_F(Race, MovesEverythingWhenTheMoverIsLast) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwOpenFile, Call).WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal())).WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(machine.debug_output(), HasSubstr("race: created 1000 files"));
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
}

TEST_F(Race, PassesOverAFileThatIsStillOpenForWriting) {
  KEVENT is_open;
  KeInitializeEvent(&is_open, NotificationEvent, FALSE);
  NTSTATUS status = STATUS_SUCCESS;
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwWriteFile, Call)
      .WillOnce(DoAll(SignalsEvent(&is_open), WaitsForEvent(&go_on), CallsReal()))
      .WillRepeatedly(CallsReal());
  EXPECT_CALL(kernel.ZwOpenFile, Call)
      .WillOnce([&](PHANDLE file, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes, PIO_STATUS_BLOCK io, ULONG share,
                    ULONG options) {
        KeWaitForSingleObject(&is_open, Executive, KernelMode, FALSE, nullptr);
        return status = ZwOpenFile(file, access, attributes, io, share, options);
      })
      .WillRepeatedly(CallsReal());
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(status, NtFailsWith(STATUS_SHARING_VIOLATION));
  EXPECT_THAT(machine.debug_output(), HasSubstr("race: moved 0 files"));
  KeSetEvent(&go_on, IO_NO_INCREMENT, FALSE);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
}

TEST_F(Race, IsNotLoadedWithoutADevice) {
  Faults faults;
  faults.fail({.api = "IoCreateDevice"});
  EXPECT_THAT(machine.load("race"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(Race, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread"});
  EXPECT_THAT(machine.load("race"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(Race, GoesOnWithoutItsSecondThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .skip = 1});
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
}

TEST_F(Race, ItsThreadsMayAlsoReturn) {
  MockKernel kernel;
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("race"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

}  // namespace
