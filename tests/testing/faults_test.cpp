#include <gtest/gtest-spi.h>
#include <ntemu/testing.h>

#include <algorithm>

#include "ntemu/api/table.h"
#include "ntemu/vf/fault.h"

using namespace ntemu::testing;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace {

TEST(Faults, FailTheCallsThatTheyName) {
  Machine machine;
  Faults faults;
  faults.fail({.api = "IoCreateSymbolicLink"});
  EXPECT_THAT(machine.load("hello"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
  EXPECT_EQ(faults.count(), 1u);
  EXPECT_THAT(machine.load("hello"), NtSucceeds());
}

TEST(Faults, GoByTagNumberAndStatus) {
  Machine machine;
  Faults faults;
  faults.fail({.tag = 0x61616161, .skip = 1, .times = 2});
  std::vector<void *> blocks;
  for (int i = 0; i < 5; ++i) blocks.push_back(ExAllocatePool2(POOL_FLAG_PAGED, 8, 0x61616161));
  void *other = ExAllocatePool2(POOL_FLAG_PAGED, 8, 0x62626262);
  EXPECT_THAT(blocks, ElementsAre(Not(nullptr), nullptr, nullptr, Not(nullptr), Not(nullptr)));
  EXPECT_NE(other, nullptr);
  for (void *block : blocks) {
    if (block) ExFreePool(block);
  }
  ExFreePool(other);
  faults.fail({.api = "KeWaitForSingleObject", .status = STATUS_TIMEOUT});
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr), STATUS_TIMEOUT);
}

TEST(Faults, LeaveAlonePoolThatRaises) {
  Machine machine;
  Faults faults;
  faults.fail({.api = "ExAllocatePool2", .times = 0});
  void *block = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 8, 0x61616161);
  ASSERT_NE(block, nullptr);
  ExFreePool(block);
}

TEST(Faults, SayWhatTheyCannotDo) {
  Machine machine;
  Faults faults;
  EXPECT_THROW(faults.fail({.api = "KeSetEvnt"}), std::invalid_argument);
  EXPECT_THROW(faults.fail({.api = "KeSetEvent"}), std::invalid_argument);
}

TEST(Faults, EveryRowOfTheTableNamesAnApi) {
  for (const auto &row : ntemu::vf::failures()) EXPECT_NE(ntemu::api::find(row.api), nullptr) << row.api;
}

TEST(FaultSweep, FailsEachCallOnce) {
  const auto result = SweepFaults([] {
    Machine machine;
    machine.load("hello");
  });
  std::vector<std::string> apis;
  for (const auto &point : result.points) apis.push_back(point.api);
  EXPECT_THAT(apis, ElementsAre("IoCreateDevice", "IoCreateSymbolicLink"));
  EXPECT_THAT(result.points[1].frames[0], HasSubstr("driver/hello.c:30 (hello!DriverEntry)"));
  EXPECT_THAT(result.findings, IsEmpty());
}

TEST(FaultSweep, TellsWhatCrashesLeaksAndHangs) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const auto crashed =
      AllOf(HasSubstr("crashed (exit code"), AnyOf(HasSubstr("Sanitizer"), HasSubstr("runtime error")));
#else
  const auto crashed =
      AllOf(HasSubstr("bugchecked"), HasSubstr("exception 0xC0000005 at testing_careless!DriverEntry"));
#endif
  const auto result = SweepFaults(
      [] {
        Machine machine;
        machine.load("testing_careless");
        machine.run_to_end();
      },
      {.patience = std::chrono::seconds(60)});
  std::vector<std::string> found;
  for (const auto &finding : result.findings)
    found.push_back(finding.point.frames[0] + ": " + finding.what + finding.text);
  EXPECT_THAT(found, ElementsAre(AllOf(HasSubstr("careless.c:34"), HasSubstr("failed"), HasSubstr("Leaked: 16 bytes")),
                                 AllOf(HasSubstr("careless.c:40"), crashed),
                                 AllOf(HasSubstr("careless.c:47"),
                                       HasSubstr("DriverEntry of testing_careless waits, and nothing will wake it"))));
}

}  // namespace
