// Linux programs and drivers at the same time: closes under way, and whoever holds a file exclusively holds it alone.
#include <fcntl.h>

#include <algorithm>

#include "tests/fs/two_fronts.h"

namespace ntemu::fs::test {
namespace {

using ntemu::test::rounds;

using TwoFrontsRace = TwoFronts;

TEST_P(TwoFrontsRace, ExclusiveOpenRightAfterAClose) {
  int refused = 0;
  const int tries = rounds(1000, 10000);
  for (int round = 0; round < tries; ++round) {
    ASSERT_EQ(program().put("C:/f", "data"), 0);
    if (Driver("C:/f", {.share = 0}).status() != STATUS_SUCCESS) ++refused;
  }
  EXPECT_EQ(refused, 0) << "of " << tries;
}

TEST_P(TwoFrontsRace, EverythingElseRightAfterAClose) {
  ASSERT_EQ(program().mkdir("C:/d"), 0);
  ASSERT_EQ(program().put("C:/a", "A"), 0);
  Driver source("C:/a", {});
  for (int round = 0; round < rounds(200, 2000); ++round) {
    ASSERT_EQ(program().put("C:/b", "B"), 0);
    ASSERT_EQ(source.rename("C:/b", true), STATUS_SUCCESS) << "over what was just closed";
    ASSERT_EQ(source.rename("C:/a"), STATUS_SUCCESS);
    ASSERT_EQ(program().put("C:/d/f", "F"), 0);
    {
      Driver directory("C:/d", {.options = FILE_DIRECTORY_FILE});
      ASSERT_EQ(directory.rename("C:/e"), STATUS_SUCCESS) << "with a file beneath that was just closed";
      ASSERT_EQ(directory.rename("C:/d"), STATUS_SUCCESS);
    }
    int file = -1;
    ASSERT_EQ(program().open("C:/d/f", O_RDONLY, file), 0);
    ASSERT_EQ(Driver("C:/d/f", {.options = FILE_DELETE_ON_CLOSE}).status(), STATUS_SUCCESS);
    ASSERT_EQ(program().close(file), 0);
    ASSERT_EQ(Driver("C:/d/f", {.disposition = FILE_CREATE}).status(), STATUS_SUCCESS) << "deleted by that close";
  }
}

TEST_P(TwoFrontsRace, ReleaseThatIsLateIsWaitedFor) {
  if (!socket()) GTEST_SKIP() << "the kernel's releases come when it likes";
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  for (int round = 0; round < rounds(20, 1000); ++round) {
    socket()->hold_releases();
    ASSERT_EQ(program().get("C:/f"), "data");
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    Beside driver([&] { status = Driver("C:/f", {.share = 0}).status(); });
    driver.await_asleep();
    socket()->let_releases_go();
    driver.join();
    ASSERT_EQ(status, STATUS_SUCCESS);
  }
}

TEST_P(TwoFrontsRace, ReleaseThatNeverComesKeepsOthersOut) {
  if (!socket()) GTEST_SKIP() << "the kernel's releases come when it likes";
  ASSERT_EQ(program().put("C:/f", "data"), 0);
  socket()->hold_releases();
  ASSERT_EQ(program().get("C:/f"), "data");
  EXPECT_EQ(Driver("C:/f", {.share = 0}).status(), STATUS_SHARING_VIOLATION);
  socket()->let_releases_go();
  EXPECT_EQ(Driver("C:/f", {.share = 0}).status(), STATUS_SUCCESS);
}

TEST_P(TwoFrontsRace, WhoeverHoldsAFileExclusivelyHoldsItAlone) {
  const int enough = rounds(100, 5000);
  ASSERT_EQ(program().put("C:/f", "Linux"), 0);
  std::atomic<bool> done{false};
  std::atomic<int> writes{0};
  std::mutex mutex;
  std::set<std::string> strange;
  const auto expect = [&](const char *what, int error, std::initializer_list<int> allowed) {
    if (std::find(allowed.begin(), allowed.end(), error) != allowed.end()) return;
    std::lock_guard guard(mutex);
    strange.insert(std::string(what) + ": " + std::strerror(error));
  };
  const auto linux_thread = [&](int own) {
    const std::string other = "C:/other" + std::to_string(own);
    while (!done) {
      int file = -1;
      // EBUSY: the driver has it, or it goes. ENOENT: it went after the kernel had looked it up.
      int error = program().open("C:/f", O_WRONLY | O_CREAT, file);
      expect("open", error, {0, EBUSY, ENOENT});
      if (error == 0) {
        error = program().write(file, "Linux");
        expect("write", error, {0});
        expect("close", program().close(file), {0});
        ++writes;
      }
      expect("put", program().put(other, "Linux"), {0});
      // EACCES: over what the driver has open.
      expect("rename", program().rename(other, "C:/F"), {0, EBUSY, EACCES});
      expect("unlink", program().unlink("C:/f"), {0, EBUSY, ENOENT});
      expect("unlink of its own", program().unlink(other), {0, ENOENT});
    }
  };
  Beside first([&] { linux_thread(1); });
  Beside second([&] { linux_thread(2); });
  int held = 0;
  for (int pass = 0; held < enough || writes < enough; ++pass) {
    Driver driver("C:/f", {.share = 0, .disposition = FILE_OVERWRITE_IF});
    if (!NT_SUCCESS(driver.status())) {
      EXPECT_TRUE(driver.status() == STATUS_SHARING_VIOLATION || driver.status() == STATUS_DELETE_PENDING)
          << std::hex << driver.status();
      continue;
    }
    ++held;
    const std::string mine = "driver " + std::to_string(pass);
    EXPECT_EQ(driver.write(mine), STATUS_SUCCESS);
    EXPECT_EQ(driver.read(), mine) << "somebody else wrote";
    if (pass % 3 == 0) {
      EXPECT_EQ(driver.dispose(), STATUS_SUCCESS);
    }
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(strange, std::set<std::string>{});
  Driver last("C:/f", {.share = 0, .disposition = FILE_OPEN_IF});
  EXPECT_EQ(last.status(), STATUS_SUCCESS) << "nobody is left";
}

INSTANTIATE_TEST_SUITE_P(By, TwoFrontsRace, all_settings(), name_of);

}  // namespace
}  // namespace ntemu::fs::test
