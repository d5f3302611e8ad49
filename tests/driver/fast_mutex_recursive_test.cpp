// How a test tells a deadlock, and how it runs the code behind one.
#include <gtest/gtest-spi.h>
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ntemu::Rest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::DoAll;
using ::testing::InvokeWithoutArgs;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::SaveArg;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace {

class FastMutexRecursive : public ::testing::Test {
 protected:
  FastMutexRecursive() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  Machine machine;
};

TEST_F(FastMutexRecursive, DeadlocksBeforeItMakesAFile) {
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_THAT(machine.describe_threads(),
              AllOf(ContainsRegex("!CreatorThread\\) Waiting WrFastMutex for .*, which it owns itself"),
                    ContainsRegex("!MoverThread\\) Waiting WrFastMutex for .*, owned by thread")));
  EXPECT_THAT(machine.list_directory("C:\\Temp"), IsEmpty());
  EXPECT_THAT(machine.debug_lines(), IsEmpty());
}

// In a test of a driver that should not, run_to_end alone is enough: it fails the test, and says who waits for what.
TEST_F(FastMutexRecursive, FailsATestThatRunsItToItsEnd) {
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_NONFATAL_FAILURE(machine.run_to_end(), "Every thread of the drivers waits, and nothing will wake them:");
}

TEST_F(FastMutexRecursive, ShowsItsOwnerAmongTheWaiters) {
  PFAST_MUTEX mutex = nullptr;
  PKTHREAD creator = nullptr;
  MockKernel kernel;
  EXPECT_CALL(kernel.ExInitializeFastMutex, Call).WillOnce(DoAll(SaveArg<0>(&mutex), CallsReal()));
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call).Times(2);
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call)
      .With(AtIrql(APC_LEVEL))
      .WillOnce(DoAll(InvokeWithoutArgs([&] { creator = KeGetCurrentThread(); }), CallsReal()));
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_EQ(machine.await_rest(), Rest::kWaiting);
  EXPECT_EQ(mutex->Count, 8);
  EXPECT_EQ(mutex->Contention, 2u);
  EXPECT_EQ(mutex->Owner, creator);
}

// The second acquire of a thread is the one at APC_LEVEL, where the first has brought it.
TEST_F(FastMutexRecursive, WouldMoveEveryFileWithoutItsSecondAcquire) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call).Times(2);
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call).With(AtIrql(APC_LEVEL)).WillOnce(Return());
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_THAT(machine.list_directory("C:\\Temp2"), SizeIs(1000));
  EXPECT_THAT(machine.debug_lines(), UnorderedElementsAre("fast_mutex_recursive: created 1000 files",
                                                          "fast_mutex_recursive: moved 1000 files"));
}

TEST_F(FastMutexRecursive, ItsThreadsMayAlsoReturn) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call).Times(2);
  EXPECT_CALL(kernel.ExAcquireFastMutex, Call).With(AtIrql(APC_LEVEL)).WillOnce(Return());
  EXPECT_CALL(kernel.PsTerminateSystemThread, Call).Times(2).WillRepeatedly(Return(STATUS_INVALID_PARAMETER));
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
}

TEST_F(FastMutexRecursive, CannotBeUnloaded) {
  ASSERT_THAT(machine.load("fast_mutex_recursive"), NtSucceeds());
  EXPECT_THAT(machine.unload("fast_mutex_recursive"), NtFailsWith(STATUS_INVALID_DEVICE_REQUEST));
}

TEST_F(FastMutexRecursive, IsNotLoadedWithoutADevice) {
  Faults faults;
  faults.fail({.api = "IoCreateDevice"});
  EXPECT_THAT(machine.load("fast_mutex_recursive"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

TEST_F(FastMutexRecursive, IsNotLoadedWithoutItsFirstThread) {
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread"});
  EXPECT_THAT(machine.load("fast_mutex_recursive"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
}

}  // namespace
