// Mounting and unmounting, however the process before ended.
#include <sys/statfs.h>
#include <sys/wait.h>

#include "tests/fs/mount_fixture.h"

namespace ntemu::fs::test {
namespace {

constexpr long kFuseMagic = 0x65735546;  // FUSE_SUPER_MAGIC

bool is_fuse(const std::filesystem::path &path) {
  struct statfs status;
  return ::statfs(path.c_str(), &status) == 0 && status.f_type == kFuseMagic;
}

class MountLife : public Mounted {};

TEST_F(MountLife, GoesWithTheView) {
  EXPECT_TRUE(is_fuse(mount_point()));
  view_.reset();
  EXPECT_FALSE(is_fuse(mount_point()));
  EXPECT_EQ(names_in(mount_point()), std::set<std::string>{});
}

TEST_F(MountLife, MountsAgain) {
  for (int i = 0; i < 20; ++i) {
    view_.reset();
    auto view = DosDevices::mount(mount_point());
    ASSERT_TRUE(view) << view.error().text;
    view_ = std::move(*view);
    ASSERT_EQ(write_file(drive() / "a", std::to_string(i)), 0);
    ASSERT_EQ(read_file(drive() / "a"), std::to_string(i));
  }
}

TEST_F(MountLife, UnmountsWhileInUse) {
  Open file(drive() / "a", O_CREAT | O_RDWR);
  ASSERT_EQ(::write(file.fd(), "text", 4), 4);
  const int directory = ::open(drive().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  view_.reset();
  EXPECT_FALSE(is_fuse(mount_point()));
  EXPECT_EQ(::write(file.fd(), "x", 1), -1);
  // What the program had open is open no more.
  EXPECT_EQ(DriverFile("C:\\a", FILE_READ_DATA, 0).status(), STATUS_SUCCESS);
  auto view = DosDevices::mount(mount_point());
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_EQ(read_file(drive() / "a"), "text");
  ::close(directory);
  view_ = std::move(*view);
}

TEST_F(MountLife, LeavesAloneWhatOthersDid) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can unmount directly";
  const std::string command = "umount " + mount_point().string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  view_.reset();
  EXPECT_FALSE(is_fuse(mount_point()));
}

TEST_F(MountLife, KnowsItsOwn) {
  EXPECT_TRUE(is_inside_own_mount(mount_point()));
  EXPECT_TRUE(is_inside_own_mount(drive()));
  EXPECT_TRUE(is_inside_own_mount(drive() / "none" / "below"));
  EXPECT_FALSE(is_inside_own_mount(scratch_.path()));
  EXPECT_FALSE(is_inside_own_mount(scratch_.path() / "none"));
  auto inside = DosDevices::mount(drive());
  ASSERT_FALSE(inside);
  EXPECT_NE(inside.error().text.find("lies in such a mount"), std::string::npos) << inside.error().text;
  view_.reset();
  EXPECT_FALSE(is_inside_own_mount(mount_point()));
}

TEST_F(MountLife, SaysWhyNot) {
  auto nowhere = DosDevices::mount(scratch_.path() / "none");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().text.find("No such file"), std::string::npos) << nowhere.error().text;
  std::ofstream(scratch_.path() / "file") << "x";
  EXPECT_FALSE(DosDevices::mount(scratch_.path() / "file"));
}

// A process that mounts and is killed.
TEST_F(MountLife, WhatAKilledProcessLeftIsDetached) {
  view_.reset();
  ASSERT_TRUE(machine_->shut_down());
  machine_.reset();
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto machine = Machine::boot({});
    auto view = DosDevices::mount(mount_point());
    const char word = view ? 'y' : 'n';
    static_cast<void>(::write(ready[1], &word, 1));
    for (;;) ::pause();
  }
  char word = 0;
  ASSERT_EQ(::read(ready[0], &word, 1), 1);
  EXPECT_EQ(word, 'y');
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
  struct stat status;
  EXPECT_EQ(error_of(::stat(mount_point().c_str(), &status)), ENOTCONN);
  EXPECT_TRUE(detach_stale_mount(mount_point()));
  EXPECT_EQ(::stat(mount_point().c_str(), &status), 0);
  EXPECT_FALSE(detach_stale_mount(mount_point()));
  auto machine = Machine::boot({});
  ASSERT_TRUE(machine);
  machine_ = std::move(*machine);
  auto view = DosDevices::mount(mount_point());
  ASSERT_TRUE(view) << view.error().text;
  view_ = std::move(*view);
  EXPECT_EQ(names_in(mount_point()), std::set<std::string>{"C:"});
}

TEST(MountLifeAlone, NothingStaleIsNothingDetached) {
  TemporaryDirectory directory;
  EXPECT_FALSE(detach_stale_mount(directory.path()));
  EXPECT_FALSE(detach_stale_mount(directory.path() / "none"));
  EXPECT_FALSE(detach_stale_mount("/proc"));
}

}  // namespace
}  // namespace ntemu::fs::test
