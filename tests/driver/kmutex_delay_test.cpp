// Half an hour in no time: a clock that stands still until the test moves it.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SizeIs;
using namespace std::chrono_literals;

namespace {

class KmutexDelay : public ::testing::Test {
 protected:
  KmutexDelay() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  FakeClock clock;  // before the machine, which takes its time from it
  Machine machine;
};

TEST_F(KmutexDelay, SleepsWithTheMutexInItsHand) {
  ASSERT_THAT(machine.load("kmutex_delay"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kDelayed);
  EXPECT_THAT(machine.describe_threads(),
              AllOf(ContainsRegex("!CreatorThread\\) Waiting DelayExecution"),
                    ContainsRegex("!MoverThread\\) Waiting Executive for .*, on Mutant 0x.*, owned by thread")));
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), IsEmpty());
}

TEST_F(KmutexDelay, MovesTheFilesAfterHalfAnHour) {
  ASSERT_THAT(machine.load("kmutex_delay"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kDelayed);
  clock.advance(29min);
  EXPECT_EQ(machine.await_rest(), Rest::kDelayed);
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), IsEmpty());
  clock.advance(1min);
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
  EXPECT_THAT(machine.debug_lines(), ElementsAre("kmutex_delay: created 1000 files, keeping the mutex for half an hour",
                                                 "kmutex_delay: moved 1000 files"));
}

// Another way to have no delay: a mock in its place.
TEST_F(KmutexDelay, AsksForHalfAnHourOnce) {
  MockKernel kernel;
  EXPECT_CALL(kernel.KeDelayExecutionThread, Call(KernelMode, FALSE))
      .WillOnce([](KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER interval) {
        EXPECT_EQ(interval->QuadPart, -10'000'000LL * 60 * 30);
        return STATUS_SUCCESS;
      });
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("kmutex_delay"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
}

TEST_F(KmutexDelay, IsNotLoadedWithoutADevice) {
  Faults faults;
  faults.fail({.api = "IoCreateDevice"});
  EXPECT_THAT(machine.load("kmutex_delay"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(KmutexDelay, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread"});
  EXPECT_THAT(machine.load("kmutex_delay"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

}  // namespace
