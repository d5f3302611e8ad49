#include <gtest/gtest-spi.h>
#include <ntemu/driver_image.h>
#include <ntemu/testing.h>

#include <cstdlib>

using namespace ntemu::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

constexpr char kMode[] = "testing_sample";

TEST(Machine, LoadsByTheNameOfTheTarget) {
  Machine machine;
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
  EXPECT_NE(machine.driver("hello"), nullptr);
  EXPECT_NE(machine.device("\\DosDevices\\Hello"), nullptr);
  EXPECT_THAT(machine.unload("hello"), NtSucceeds());
  EXPECT_EQ(machine.driver("hello"), nullptr);
  EXPECT_THAT(machine.debug_lines(),
              ElementsAre("hello: loaded, my key is \\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\hello",
                          "hello: goodbye"));
}

TEST(Machine, EachIsFresh) {
  for (int i = 0; i < 3; ++i) {
    Machine machine;
    EXPECT_FALSE(machine.exists("C:\\a.txt"));
    machine.write_file("C:\\a.txt", "text");
    EXPECT_EQ(machine.read_file("C:\\a.txt"), "text");
    EXPECT_THAT(machine.load("hello"), NtSucceeds());
  }
}

TEST(Machine, HasFilesAndDirectories) {
  Machine machine;
  machine.make_directory("C:\\Temp\\Deep");
  machine.write_file("C:\\Temp\\b", std::string(10000, 'x'));
  EXPECT_THAT(machine.list_directory("C:\\Temp"), ElementsAre("Deep", "b"));
  EXPECT_EQ(machine.read_file("C:\\Temp\\b")->size(), 10000u);
  EXPECT_EQ(machine.read_file("C:\\Temp\\none"), std::nullopt);
  EXPECT_NONFATAL_FAILURE(machine.list_directory("C:\\None"), "cannot list 'C:\\None'");
}

TEST(Machine, SaysWhyADriverIsNotThere) {
  Machine machine;
  EXPECT_THAT(machine.load("/nowhere/x.sys"), ::testing::Not(NtSucceeds()));
  EXPECT_THAT(machine.problem(), HasSubstr("/nowhere/x.sys"));
  EXPECT_THROW(machine.load("no_such_target"), std::invalid_argument);
}

TEST(Machine, LoadsImagesOfAnotherDirectory) {
  Machine machine;
  setenv("NTEMU_TEST_DRIVERS", "/nowhere", 1);
  EXPECT_EQ(driver_image("hello"), "/nowhere/hello.sys");
  EXPECT_THAT(machine.load("hello"), ::testing::Not(NtSucceeds()));
  EXPECT_THROW(driver_image("no_such_target"), std::invalid_argument);
  unsetenv("NTEMU_TEST_DRIVERS");
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
}

TEST(Machine, RunsADriverToItsEnd) {
  Machine machine;
  machine.make_directory("C:\\Temp");
  machine.make_directory("C:\\Temp2");
  ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
  EXPECT_TRUE(machine.run_to_end());
  EXPECT_EQ(machine.list_directory("C:\\Temp2").size(), 1000u);
  EXPECT_THAT(machine.list_directory("C:\\Temp"), IsEmpty());
}

TEST(Machine, TellsLeakedPool) {
  EXPECT_NONFATAL_FAILURE(
      {
        Machine machine;
        machine.set_value(kMode, "Mode", 1u);
        machine.load("testing_sample");
      },
      "Leaked: 100 bytes of pool, tag 'Samp', at 0x");
}

TEST(Machine, TellsTheLineOfALeak) {
  Machine machine;
  machine.set_value(kMode, "Mode", 1u);
  machine.load("testing_sample");
  machine.unload("testing_sample");
  EXPECT_THAT(machine.leaks(), ElementsAre(HasSubstr("tests/testing/sample.c:59 (testing_sample!DriverEntry)")));
  EXPECT_THAT(machine.leaks(), IsEmpty());
}

TEST(Machine, TellsAHang) {
  Machine machine;
  machine.set_value(kMode, "Mode", 2u);
  machine.load("testing_sample");
  EXPECT_NONFATAL_FAILURE(EXPECT_EQ(machine.await_rest(), ntemu::Rest::kDone), "Rest::kWaiting (all wait, and nothing");
  EXPECT_NONFATAL_FAILURE(machine.run_to_end(), "Every thread of the drivers waits, and nothing will wake them:");
  EXPECT_THAT(machine.describe_threads(), HasSubstr("testing_sample!Worker"));
  EXPECT_NONFATAL_FAILURE(machine.unload("testing_sample"), "1 of its threads run");
  EXPECT_THAT(machine.leaks(), ElementsAre(HasSubstr("object of type Thread")));
}

TEST(Machine, TellsADeviceThatIsLeft) {
  Machine machine;
  machine.set_value(kMode, "Mode", 3u);
  machine.load("testing_sample");
  machine.unload("testing_sample");
  EXPECT_THAT(machine.leaks(), ElementsAre(HasSubstr("object of type Device")));
}

TEST(Machine, TellsLocksAndHandlesOfTheTestItself) {
  Machine machine;
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, nullptr, OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE event;
  const NTSTATUS status = ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
  ASSERT_THAT(status, NtSucceeds());
  ExAcquireFastMutex(&mutex);
  EXPECT_THAT(machine.leaks(), ElementsAre(AllOf(HasSubstr("to Event: opened at "), HasSubstr("machine_test.cpp:")),
                                           AllOf(HasSubstr("fast mutex "), HasSubstr("machine_test.cpp:"))));
  ExReleaseFastMutex(&mutex);
  ZwClose(event);
}

TEST(Machine, ForgivesWhatWasTakenBefore) {
  Machine machine;
  void *block = ExAllocatePool2(POOL_FLAG_PAGED, 8, 0x74736554);
  machine.forgive_leaks();
  EXPECT_THAT(machine.leaks(), IsEmpty());
  ExFreePoolWithTag(block, 0x74736554);
}

}  // namespace
