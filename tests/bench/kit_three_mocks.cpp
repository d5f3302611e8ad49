// A test file with three mocks: how long it takes to compile is what bench_kit.py times.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ::testing::_;
using ::testing::Return;

TEST(Sample, FailsWithoutADevice) {
  Machine machine;
  MockKernel kernel;
  EXPECT_CALL(kernel.IoCreateDevice, Call).WillOnce(Return(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_CALL(kernel.ZwCreateFile, Call(_, _, ObjectNameIs(u"\\??\\C:\\a.txt"))).Times(0);
  EXPECT_CALL(kernel.PsCreateSystemThread, Call).Times(0);
  EXPECT_THAT(machine.load("sample"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}
