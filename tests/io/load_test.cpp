// Loading and unloading by the machine's interface, also several at once.
#include "ntemu/base/utf.h"
#include "ntemu/ex/worker.h"
#include "tests/io/lifecycle_fixture.h"

namespace ntemu::test {
namespace {

using MachineLoad = LifecycleTest;
using MachineUnload = LifecycleTest;

TEST_F(MachineLoad, StatesFollowTheDriver) {
  EXPECT_EQ(machine().driver_state("Plain"), DriverState::kNotLoaded);
  EXPECT_FALSE(machine().can_unload("Plain"));
  ASSERT_TRUE(load("Plain"));
  EXPECT_EQ(machine().driver_state("PLAIN"), DriverState::kLoaded);
  EXPECT_TRUE(machine().can_unload("plain"));
  EXPECT_EQ(machine().drivers(), std::vector<std::string>{"Plain"});
  const auto unloaded = machine().unload("pLAIN");
  ASSERT_TRUE(unloaded);
  EXPECT_EQ(machine().driver_state("Plain"), DriverState::kNotLoaded);
  EXPECT_TRUE(machine().drivers().empty());
}

TEST_F(MachineLoad, ANameIsLoadedOnceWhateverItsCase) {
  ASSERT_TRUE(load("Plain"));
  const auto second = load("plain");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, STATUS_IMAGE_ALREADY_LOADED);
  EXPECT_TRUE(load("Other"));
}

TEST_F(MachineLoad, FileSystemsHaveADirectoryOfTheirOwn) {
  ASSERT_TRUE(load("Plain", true));
  EXPECT_TRUE(exists(u"\\FileSystem\\Plain", io::driver_type));
  const auto key = cm::open_key(key_path(u"Plain"));
  ASSERT_TRUE(key);
  EXPECT_EQ(cm::query_value(*key, u"Type")->data, (std::vector<UCHAR>{2, 0, 0, 0}));
}

TEST_F(MachineLoad, KeepsAServiceKeyThatIsThere) {
  share(u"Plain");
  ASSERT_TRUE(load("Plain"));
  EXPECT_EQ(shared.Entries, 1);
  EXPECT_EQ(cm::query_value(*cm::open_key(key_path(u"Plain")), u"ImagePath").status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(MachineLoad, AFailedDriverEntryLeavesNothing) {
  const auto failed = load("Fail");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status, STATUS_DEVICE_NOT_CONNECTED);
  EXPECT_EQ(machine().driver_state("Fail"), DriverState::kNotLoaded);
  EXPECT_FALSE(cm::open_key(key_path(u"Fail")));
  EXPECT_FALSE(exists(u"\\Driver\\Fail", io::driver_type));
  EXPECT_FALSE(exists(u"\\Device\\Lifecycle", io::device_type));
  share(u"Fail");
  ASSERT_FALSE(load("Fail"));
  EXPECT_TRUE(cm::open_key(key_path(u"Fail"))) << "not this load's key";
  EXPECT_EQ(shared.Unloads, 0);
}

TEST_F(MachineLoad, AFileThatIsNoDriverLeavesNoKey) {
  EXPECT_FALSE(machine().load("/nowhere/none.sys", {.service = "Nothing"}));
  EXPECT_FALSE(cm::open_key(key_path(u"Nothing")));
  EXPECT_EQ(machine().driver_state("Nothing"), DriverState::kNotLoaded);
}

TEST_F(MachineLoad, OfTwoAtOnceOneWins) {
  share(u"Slow");
  std::thread first([this] { EXPECT_TRUE(load("Slow")); });
  wait(&shared.Entered);
  EXPECT_EQ(machine().driver_state("Slow"), DriverState::kLoading);
  EXPECT_TRUE(machine().drivers().empty());
  const auto second = load("slow");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, STATUS_IMAGE_ALREADY_LOADED);
  const auto early = machine().unload("Slow");
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().status, STATUS_DEVICE_NOT_READY);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  first.join();
  EXPECT_EQ(machine().driver_state("Slow"), DriverState::kLoaded);
  EXPECT_EQ(shared.Entries, 1);
}

// As many as leave one worker free.
TEST_F(MachineLoad, DriverEntriesThatHangKeepNoOtherFromStarting) {
  std::vector<std::thread> hung;
  for (unsigned i = 0; i + 1 < ex::kMostWorkers; ++i) {
    const std::string name = "Slow" + std::to_string(i);
    share(base::to_utf16_lossy(name));
    hung.emplace_back([this, name] { EXPECT_TRUE(load(name)); });
    wait(&shared.Entered);
  }
  EXPECT_TRUE(machine().wait_until([this] { return machine().load_hangs(); }, std::nullopt));
  ASSERT_TRUE(load("Plain"));
  ASSERT_TRUE(machine().unload("Plain"));
  EXPECT_EQ(machine().rest(), Rest::kWaiting);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  for (std::thread &thread : hung) thread.join();
  EXPECT_FALSE(machine().load_hangs());
  EXPECT_EQ(machine().rest(), Rest::kDone);
}

TEST_F(MachineLoad, ThatHangsEndsWithTheMachine) {
  share(u"Slow");
  std::thread hung([this] {
    const auto loaded = load("Slow");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().status, STATUS_SYSTEM_SHUTDOWN);
  });
  wait(&shared.Entered);
  EXPECT_TRUE(machine().shut_down());
  hung.join();
}

TEST_F(MachineUnload, ThatHangsEndsWithTheMachine) {
  share(u"SlowUnload");
  ASSERT_TRUE(load("SlowUnload"));
  std::thread hung([this] {
    const auto unloaded = machine().unload("SlowUnload");
    ASSERT_FALSE(unloaded);
    EXPECT_EQ(unloaded.error().status, STATUS_SYSTEM_SHUTDOWN);
  });
  wait(&shared.Unloading);
  EXPECT_TRUE(machine().shut_down());
  hung.join();
}

TEST_F(MachineUnload, RunsOnceHoweverManyAsk) {
  share(u"SlowUnload");
  ASSERT_TRUE(load("SlowUnload"));
  std::thread first([this] { EXPECT_TRUE(machine().unload("SlowUnload")); });
  wait(&shared.Unloading);
  EXPECT_EQ(machine().driver_state("SlowUnload"), DriverState::kUnloading);
  const auto second = machine().unload("SlowUnload");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, STATUS_DELETE_PENDING);
  const auto again = load("SlowUnload");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().status, STATUS_IMAGE_ALREADY_LOADED);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  first.join();
  EXPECT_EQ(machine().driver_state("SlowUnload"), DriverState::kNotLoaded);
  EXPECT_EQ(shared.Unloads, 1);
  EXPECT_TRUE(load("SlowUnload"));
}

TEST_F(MachineUnload, WithoutDriverUnloadItStays) {
  ASSERT_TRUE(load("NoUnload"));
  EXPECT_FALSE(machine().can_unload("NoUnload"));
  const auto unloaded = machine().unload("NoUnload");
  ASSERT_FALSE(unloaded);
  EXPECT_EQ(unloaded.error().status, STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(machine().driver_state("NoUnload"), DriverState::kLoaded);
}

TEST_F(MachineLoad, DifferentDriversSideBySide) {
  const int each = rounds(20, 500);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i, each] {
      const std::string name = "Plain" + std::to_string(i);
      for (int round = 0; round < each; ++round) {
        const auto loaded = load(name);
        ASSERT_TRUE(loaded) << loaded.error().text;
        ASSERT_EQ(machine().driver_state(name), DriverState::kLoaded);
        ASSERT_TRUE(machine().unload(name));
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_TRUE(machine().drivers().empty());
}

}  // namespace
}  // namespace ntemu::test
