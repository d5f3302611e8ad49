// The smallest test of a driver: it is loaded, looked at and unloaded, and each API that may fail does so once.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::InSequence;
using ::testing::Return;

namespace {

TEST(Hello, SaysThatItCameAndWent) {
  Machine machine;
  ASSERT_THAT(machine.load("hello"), NtSucceeds());
  EXPECT_THAT(machine.unload("hello"), NtSucceeds());
  EXPECT_THAT(machine.debug_lines(),
              ElementsAre("hello: loaded, my key is \\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\hello",
                          "hello: goodbye"));
}

TEST(Hello, HasADeviceWithTwoNamesWhileItIsLoaded) {
  Machine machine;
  ASSERT_THAT(machine.load("hello"), NtSucceeds());
  ASSERT_NE(machine.device("\\Device\\Hello"), nullptr);
  EXPECT_EQ(machine.device("\\Device\\Hello"), machine.driver("hello")->DeviceObject);
  EXPECT_EQ(machine.device("\\DosDevices\\Hello"), machine.driver("hello")->DeviceObject);
  EXPECT_THAT(machine.unload("hello"), NtSucceeds());
  EXPECT_EQ(machine.device("\\Device\\Hello"), nullptr);
  EXPECT_EQ(machine.device("\\DosDevices\\Hello"), nullptr);
}

TEST(Hello, RefusesToBeOpened) {
  Machine machine;
  ASSERT_THAT(machine.load("hello"), NtSucceeds());
  EXPECT_THAT(Device("\\\\.\\Hello").status(), NtFailsWith(STATUS_INVALID_DEVICE_REQUEST));
}

TEST(Hello, AsksForADeviceWithoutAnExtension) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice,
              Call(_, 0, UnicodeStringEq(u"\\Device\\Hello"), FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE));
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
}

TEST(Hello, IsNotLoadedWithoutADevice) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call).WillOnce(Return(STATUS_OBJECT_NAME_COLLISION));
  EXPECT_CALL(kernel.IoCreateSymbolicLink, Call).Times(0);
  EXPECT_THAT(machine.load("hello"), NtFailsWith(STATUS_OBJECT_NAME_COLLISION));
}

TEST(Hello, TakesItsDeviceAwayWhenTheLinkFails) {
  Machine machine;
  MockKernel kernel;
  {
    InSequence order;
    EXPECT_CALL(kernel.IoCreateDevice, Call);
    EXPECT_CALL(kernel.IoCreateSymbolicLink, Call).WillOnce(Return(STATUS_OBJECT_NAME_COLLISION));
    EXPECT_CALL(kernel.IoDeleteDevice, Call);
  }
  EXPECT_THAT(machine.load("hello"), NtFailsWith(STATUS_OBJECT_NAME_COLLISION));
  EXPECT_THAT(machine.debug_output(), "");
}

// The same for every call that can fail, without naming one: what leaks, crashes or hangs then fails the test.
TEST(Hello, FailsCleanlyWhateverFails) {
  FaultSweep([] {
    Machine machine;
    machine.load("hello");
  });
}

}  // namespace
