// How a driver's dispatch routines are tested: requests to its device by name, with the device opened as a program
// would.
#include <ntemu/testing.h>

#include <cstring>

#include "ioctl.h"

using namespace ntemu::testing;
using ::testing::HasSubstr;

namespace {

constexpr char kDevice[] = "\\\\.\\NtemuIoctl";

class Ioctl : public ::testing::Test {
 protected:
  Ioctl() { EXPECT_THAT(machine.load("ioctl"), NtSucceeds()); }

  IOCTL_STATISTICS statistics(Device &device) {
    IOCTL_STATISTICS result{};
    const Answer answer = device.control(IOCTL_NTEMU_STATISTICS, {}, sizeof result);
    EXPECT_THAT(answer.status, NtSucceeds());
    EXPECT_EQ(answer.output.size(), sizeof result);
    if (answer.output.size() == sizeof result) std::memcpy(&result, answer.output.data(), sizeof result);
    return result;
  }

  static std::string number(ULONG value) { return {reinterpret_cast<const char *>(&value), sizeof value}; }

  Machine machine;
};

TEST_F(Ioctl, AnswersToItsNames) {
  EXPECT_THAT(Device(kDevice).status(), NtSucceeds());
  EXPECT_THAT(Device("\\Device\\NtemuIoctl").status(), NtSucceeds());
  EXPECT_THAT(Device("\\Device\\Other").status(), NtFailsWith(STATUS_OBJECT_NAME_NOT_FOUND));
}

TEST_F(Ioctl, RefusesWhatItDoesNotKnow) {
  Device device(kDevice);
  EXPECT_THAT(device.control(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x8FF, METHOD_BUFFERED, FILE_ANY_ACCESS)).status,
              NtFailsWith(STATUS_INVALID_DEVICE_REQUEST));
  EXPECT_THAT(device.flush().status, NtFailsWith(STATUS_INVALID_DEVICE_REQUEST));
}

TEST_F(Ioctl, KeepsAMessage) {
  Device device(kDevice);
  EXPECT_THAT(device.read(100).status, NtFailsWith(STATUS_END_OF_FILE));
  const Answer written = device.write("hello");
  EXPECT_THAT(written.status, NtSucceeds());
  EXPECT_EQ(written.information, 5u);
  EXPECT_EQ(device.read(100).output, "hello");
  EXPECT_EQ(device.read(2).output, "he");
  EXPECT_EQ(device.read(100, 3).output, "lo");
  EXPECT_THAT(device.read(100, 5).status, NtFailsWith(STATUS_END_OF_FILE));
  EXPECT_THAT(device.read(100, -1).status, NtFailsWith(STATUS_END_OF_FILE));
  EXPECT_THAT(device.write("other").status, NtSucceeds());
  EXPECT_EQ(device.read(100).output, "other");
  EXPECT_EQ(device.read(0).information, 0u);
}

TEST_F(Ioctl, RefusesMessagesThatAreEmptyOrTooLong) {
  Device device(kDevice);
  EXPECT_THAT(device.write("").status, NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
  EXPECT_THAT(device.write(std::string(IOCTL_MESSAGE_MAXIMUM + 1, 'x')).status,
              NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
  EXPECT_THAT(device.write(std::string(IOCTL_MESSAGE_MAXIMUM, 'x')).status, NtSucceeds());
}

TEST_F(Ioctl, KeepsTheOldMessageWhenThereIsNoMemory) {
  Device device(kDevice);
  EXPECT_THAT(device.write("old").status, NtSucceeds());
  Faults faults;
  faults.fail({.api = "ExAllocatePool2"});
  EXPECT_THAT(device.write("new").status, NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_EQ(device.read(100).output, "old");
}

TEST_F(Ioctl, TurnsTextToUpperCase) {
  Device device(kDevice);
  const Answer answer = device.control(IOCTL_NTEMU_UPPERCASE, "a1zZ{", 5);
  EXPECT_THAT(answer.status, NtSucceeds());
  EXPECT_EQ(answer.output, "A1ZZ{");
  EXPECT_EQ(answer.irql, PASSIVE_LEVEL);
  EXPECT_FALSE(answer.pended);
  EXPECT_THAT(device.control(IOCTL_NTEMU_UPPERCASE, "abc", 2).status, NtFailsWith(STATUS_BUFFER_TOO_SMALL));
}

TEST_F(Ioctl, FillsTheCallersOwnBuffer) {
  Device device(kDevice);
  const Answer answer = device.control(IOCTL_NTEMU_FILL, "x", 10000);
  EXPECT_THAT(answer.status, NtSucceeds());
  EXPECT_EQ(answer.output, std::string(10000, 'x'));
  EXPECT_THAT(device.control(IOCTL_NTEMU_FILL, "xy", 10).status, NtFailsWith(STATUS_INVALID_PARAMETER));
  EXPECT_THAT(device.control(IOCTL_NTEMU_FILL, "x", 0).status, NtFailsWith(STATUS_BUFFER_TOO_SMALL));
}

TEST_F(Ioctl, TakesAMessageFromTheCallersOwnBuffer) {
  Device device(kDevice);
  const Answer answer = device.control(IOCTL_NTEMU_SET_MESSAGE, {}, 4);
  EXPECT_THAT(answer.status, NtSucceeds());
  EXPECT_EQ(answer.information, 4u);
  EXPECT_EQ(device.read(100).output, std::string(4, '\0'));
  EXPECT_THAT(device.control(IOCTL_NTEMU_SET_MESSAGE).status, NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
  EXPECT_THAT(device.control(IOCTL_NTEMU_SET_MESSAGE, {}, IOCTL_MESSAGE_MAXIMUM + 1).status,
              NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
}

TEST_F(Ioctl, FailsWhereNothingCanBeMapped) {
  Device device(kDevice);
  MockKernel kernel;
  // The memory of a test is mapped as it is: only an MDL that is not makes the driver map one.
  EXPECT_CALL(kernel.MmMapLockedPagesSpecifyCache, Call).Times(2).WillRepeatedly(::testing::Return(nullptr));
  for (const ULONG code : {IOCTL_NTEMU_FILL, IOCTL_NTEMU_SET_MESSAGE}) {
    EXPECT_THAT(device.control(code, code == IOCTL_NTEMU_FILL ? "x" : "", 8).status,
                NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
  }
}

TEST_F(Ioctl, ReversesForTheKernelOnly) {
  Device device(kDevice);
  EXPECT_EQ(device.control(IOCTL_NTEMU_REVERSE, "abc", 3).output, "cba");
  EXPECT_THAT(device.control(IOCTL_NTEMU_REVERSE, "abc", 4).status, NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
  EXPECT_THAT(device.control(IOCTL_NTEMU_REVERSE).status, NtFailsWith(STATUS_INVALID_BUFFER_SIZE));
  device.set_requestor_mode(UserMode);
  EXPECT_THAT(device.control(IOCTL_NTEMU_REVERSE, "abc", 3).status, NtFailsWith(STATUS_ACCESS_DENIED));
}

TEST_F(Ioctl, CountsWhatItDoes) {
  Device device(kDevice);
  device.write("abc");
  device.read(1);
  device.read(1);
  const IOCTL_STATISTICS counts = statistics(device);
  EXPECT_EQ(counts.Opens, 1);
  EXPECT_EQ(counts.Reads, 2);
  EXPECT_EQ(counts.Writes, 1);
  EXPECT_EQ(counts.Controls, 1);
  EXPECT_EQ(counts.Waiting, 0);
  EXPECT_EQ(counts.MessageLength, 3u);
  EXPECT_THAT(device.control(IOCTL_NTEMU_STATISTICS, {}, sizeof counts - 1).status,
              NtFailsWith(STATUS_BUFFER_TOO_SMALL));
}

TEST_F(Ioctl, WakesTheOneThatHasWaitedLongest) {
  Device device(kDevice);
  Request first = device.start_control(IOCTL_NTEMU_WAIT, {}, sizeof(ULONG));
  Request second = device.start_control(IOCTL_NTEMU_WAIT, {}, sizeof(ULONG));
  EXPECT_EQ(statistics(device).Waiting, 2);
  EXPECT_FALSE(first.completed());
  EXPECT_THAT(device.control(IOCTL_NTEMU_WAKE, number(7)).status, NtSucceeds());
  const Answer answer = first.wait();
  EXPECT_THAT(answer.status, NtSucceeds());
  EXPECT_EQ(answer.output, number(7));
  EXPECT_TRUE(answer.pended);
  EXPECT_FALSE(second.completed());
  EXPECT_THAT(device.control(IOCTL_NTEMU_WAKE, number(8)).status, NtSucceeds());
  EXPECT_EQ(second.wait().output, number(8));
  EXPECT_THAT(device.control(IOCTL_NTEMU_WAKE, number(9)).status, NtFailsWith(STATUS_NOT_FOUND));
  EXPECT_THAT(device.control(IOCTL_NTEMU_WAKE, "short").status, NtFailsWith(STATUS_INVALID_PARAMETER));
  EXPECT_THAT(device.control(IOCTL_NTEMU_WAIT).status, NtFailsWith(STATUS_BUFFER_TOO_SMALL));
}

TEST_F(Ioctl, LetsAWaitBeCancelled) {
  Device device(kDevice);
  Request waits = device.start_control(IOCTL_NTEMU_WAIT, {}, sizeof(ULONG));
  EXPECT_TRUE(waits.cancel());
  EXPECT_THAT(waits.wait().status, NtFailsWith(STATUS_CANCELLED));
  EXPECT_EQ(statistics(device).Waiting, 0);
}

TEST_F(Ioctl, EndsTheWaitsOfAFileThatIsClosed) {
  Device device(kDevice), other(kDevice);
  Request waits = device.start_control(IOCTL_NTEMU_WAIT, {}, sizeof(ULONG));
  Request stays = other.start_control(IOCTL_NTEMU_WAIT, {}, sizeof(ULONG));
  device.close();
  EXPECT_THAT(waits.wait().status, NtFailsWith(STATUS_CANCELLED));
  EXPECT_FALSE(stays.completed());
}

TEST_F(Ioctl, UnloadsWithAMessageAndTellsItsCounts) {
  {
    Device device(kDevice);
    device.write("abc");
  }
  EXPECT_THAT(machine.unload("ioctl"), NtSucceeds());
  EXPECT_THAT(machine.debug_output(), HasSubstr("ioctl: 1 opens, 0 reads, 1 writes, 0 controls"));
}

TEST(IoctlLoad, FailsCleanlyWhateverFails) {
  FaultSweep([] {
    Machine machine;
    if (!NT_SUCCESS(machine.load("ioctl"))) return;
    Device device(kDevice);
    device.write("abc");
    device.read(10);
  });
}

TEST(IoctlLoad, FailsWithoutItsQueue) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCsqInitialize, Call).WillOnce(::testing::Return(STATUS_INVALID_PARAMETER));
  EXPECT_THAT(machine.load("ioctl"), NtFailsWith(STATUS_INVALID_PARAMETER));
}

}  // namespace
