#include "@NAME@.h"

#include <ntemu/testing.h>

#include <cstring>
#include <string>

using namespace ntemu::testing;
using ::testing::HasSubstr;
using ::testing::Return;

namespace {

constexpr char kDevice[] = "\\\\.\\@NAME@";

template <class T>
std::string bytes(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof value};
}

// The driver as it is delivered, in a machine that is new for each test. At its end the machine unloads the driver and
// fails the test for what is left: memory, handles, threads, locks.
class Driver : public ::testing::Test {
 protected:
  Driver() { EXPECT_THAT(machine.load("@NAME@"), NtSucceeds()); }

  ULONG64 total(Device &device) {
    machine.await_rest();  // until the driver's thread waits for more
    const Answer answer = device.control(IOCTL_@NAME_UPPER@_TOTAL, {}, sizeof(ULONG64));
    EXPECT_THAT(answer.status, NtSucceeds());
    ULONG64 value = 0;
    if (answer.output.size() == sizeof value) std::memcpy(&value, answer.output.data(), sizeof value);
    return value;
  }

  Machine machine;
};

TEST_F(Driver, AddsNumbers) {
  Device device(kDevice);
  ASSERT_THAT(device.status(), NtSucceeds());
  EXPECT_EQ(total(device), 0U);
  EXPECT_THAT(device.control(IOCTL_@NAME_UPPER@_ADD, bytes(ULONG{40})).status, NtSucceeds());
  EXPECT_THAT(device.control(IOCTL_@NAME_UPPER@_ADD, bytes(ULONG{2})).status, NtSucceeds());
  EXPECT_EQ(total(device), 42U);
}

TEST_F(Driver, RefusesWhatItDoesNotUnderstand) {
  Device device(kDevice);
  EXPECT_THAT(device.control(IOCTL_@NAME_UPPER@_ADD, "abc").status, NtFailsWith(STATUS_INVALID_PARAMETER));
  EXPECT_THAT(device.control(IOCTL_@NAME_UPPER@_TOTAL, {}, 4).status, NtFailsWith(STATUS_BUFFER_TOO_SMALL));
  EXPECT_THAT(device.control(0x12345678).status, NtFailsWith(STATUS_INVALID_DEVICE_REQUEST));
}

TEST_F(Driver, SaysItsTotalAtTheEnd) {
  {
    Device device(kDevice);
    device.control(IOCTL_@NAME_UPPER@_ADD, bytes(ULONG{7}));
    EXPECT_EQ(total(device), 7U);
  }
  EXPECT_THAT(machine.unload("@NAME@"), NtSucceeds());
  EXPECT_THAT(machine.debug_output(), HasSubstr("@NAME@: unloaded, the total was 7"));
}

// A mock in the place of one function of the kernel.
TEST(DriverEntry, FailsWithoutAThread) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.PsCreateSystemThread, Call).WillOnce(Return(STATUS_TOO_MANY_THREADS));
  EXPECT_THAT(machine.load("@NAME@"), NtFailsWith(STATUS_TOO_MANY_THREADS));
  EXPECT_EQ(machine.device(kDevice), nullptr);
}

// Every call of the kernel that can fail for want of resources fails once; the driver must not crash, hang or leak.
TEST(DriverEntry, SurvivesEveryFailure) {
  FaultSweep([] {
    Machine machine;
    machine.load("@NAME@");
  });
}

// A function of the driver, called directly: its objects are linked into this program.
TEST(Counter, EndsTheThreadWhenStopped) {
  Machine machine;
  COUNTER counter;
  CounterInitialize(&counter);
  EXPECT_TRUE(CounterWork(&counter));
  CounterStop(&counter);
  EXPECT_FALSE(CounterWork(&counter));
}

}  // namespace
