// Drivers and Linux programs on the same files: who hears what of whom. They meet in more orders in the two-front
// suite.
#include <thread>

#include "tests/fs/mount_fixture.h"
#include "tests/support/kernel_test.h"

namespace ntemu::fs::test {
namespace {

using ntemu::test::rounds;

using Kinds = ::testing::Types<InMemory, OnHost>;
template <class Kind>
class MountWithDrivers : public MountedOver<Kind> {};
TYPED_TEST_SUITE(MountWithDrivers, Kinds);

constexpr ACCESS_MASK kWrite = FILE_WRITE_DATA;

TYPED_TEST(MountWithDrivers, SeesTheirFilesAtOnce) {
  struct stat status;
  const auto path = this->drive() / "made";
  EXPECT_EQ(error_of(::stat(path.c_str(), &status)), ENOENT);
  DriverFile driver("C:\\made", kWrite, kShareAll, FILE_CREATE);
  ASSERT_EQ(driver.status(), STATUS_SUCCESS);
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 0);
  ASSERT_EQ(driver.write("four"), STATUS_SUCCESS);
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 4);
  EXPECT_EQ(read_file(path), "four");
  Open file(path, O_RDONLY);
  ASSERT_EQ(driver.write("five"), STATUS_SUCCESS);
  char buffer[16];
  EXPECT_EQ(::read(file.fd(), buffer, sizeof(buffer)), 8);
}

TYPED_TEST(MountWithDrivers, ShareModesBindBoth) {
  const auto path = this->drive() / "a";
  ASSERT_EQ(write_file(path, "x"), 0);
  {
    DriverFile driver("C:\\a", kWrite, 0);
    ASSERT_EQ(driver.status(), STATUS_SUCCESS);
    EXPECT_EQ(error_of_opening(path, O_RDONLY), EBUSY);
    EXPECT_EQ(error_of_opening(path, O_WRONLY | O_TRUNC), EBUSY);
    EXPECT_EQ(error_of(::truncate(path.c_str(), 0)), EBUSY);
    EXPECT_EQ(error_of(::unlink(path.c_str())), EBUSY);
    EXPECT_EQ(error_of(::rename(path.c_str(), (this->drive() / "b").c_str())), EBUSY);
    struct stat status;
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
  }
  Open file(path, O_RDONLY);
  ASSERT_EQ(file.error(), 0);
  EXPECT_EQ(DriverFile("C:\\a", kWrite, 0).status(), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(DriverFile("C:\\a", kWrite, FILE_SHARE_READ).status(), STATUS_SUCCESS);
}

TYPED_TEST(MountWithDrivers, AnExclusiveOpenRightAfterCloseSucceeds) {
  for (int i = 0; i < rounds(300, 10'000); ++i) {
    const std::string name = "f" + std::to_string(i % 10);
    ASSERT_EQ(write_file(this->drive() / name, "x"), 0);
    ASSERT_EQ(DriverFile("C:\\" + name, kWrite, 0).status(), STATUS_SUCCESS) << i;
  }
}

TYPED_TEST(MountWithDrivers, PendingDeletions) {
  const auto path = this->drive() / "a";
  DriverFile driver("C:\\a", DELETE, kShareAll, FILE_CREATE);
  ASSERT_EQ(driver.set(FILE_DISPOSITION_INFORMATION{TRUE}, FileDispositionInformation), STATUS_SUCCESS);
  EXPECT_EQ(error_of_opening(path, O_RDONLY), EBUSY);
  EXPECT_EQ(error_of_opening(path, O_CREAT | O_WRONLY), EBUSY);
  driver.close();
  EXPECT_EQ(error_of_opening(path, O_RDONLY), ENOENT);
  EXPECT_EQ(write_file(path, "new"), 0);

  // A look at a file keeps nothing open: the name goes with the driver's handle.
  DriverFile second("C:\\a", DELETE, kShareAll);
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  ASSERT_EQ(second.set(FILE_DISPOSITION_INFORMATION{TRUE}, FileDispositionInformation), STATUS_SUCCESS);
  second.close();
  EXPECT_EQ(error_of(::stat(path.c_str(), &status)), ENOENT);
}

TYPED_TEST(MountWithDrivers, RenamesAreFollowed) {
  ASSERT_EQ(::mkdir((this->drive() / "d").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((this->drive() / "other").c_str(), 0755), 0);
  ASSERT_EQ(write_file(this->drive() / "d" / "a", "text"), 0);
  const int directory = ::open((this->drive() / "d").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  {
    DriverFile driver("C:\\d", DELETE, kShareAll, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE);
    ASSERT_EQ(driver.rename("C:\\other\\e"), STATUS_SUCCESS);
  }
  EXPECT_EQ(error_of_opening(this->drive() / "d" / "a", O_RDONLY), ENOENT);
  // A program that works in the directory is still there.
  const int file = ::openat(directory, "a", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(file, 0);
  {
    DriverFile driver("C:\\other\\e\\a", DELETE, kShareAll);
    ASSERT_EQ(driver.rename("C:\\a"), STATUS_SUCCESS);
  }
  struct stat status;
  EXPECT_EQ(::fstat(file, &status), 0);
  char buffer[8];
  EXPECT_EQ(::read(file, buffer, sizeof(buffer)), 4);
  EXPECT_EQ(names_in(this->drive()), (std::set<std::string>{"a", "other"}));
  ::close(file);
  ::close(directory);
}

TYPED_TEST(MountWithDrivers, ADirectoryMovedToAnUnseenPlaceIsFoundThere) {
  ASSERT_EQ(::mkdir((this->drive() / "d").c_str(), 0755), 0);
  ASSERT_EQ(write_file(this->drive() / "d" / "a", "text"), 0);
  { DriverFile made("C:\\unseen", FILE_LIST_DIRECTORY, kShareAll, FILE_CREATE, FILE_DIRECTORY_FILE); }
  const int directory = ::open((this->drive() / "d").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  {
    DriverFile driver("C:\\d", DELETE, kShareAll, FILE_OPEN, FILE_DIRECTORY_FILE);
    ASSERT_EQ(driver.rename("C:\\unseen\\d"), STATUS_SUCCESS);
  }
  struct stat status;
  EXPECT_EQ(error_of(::fstatat(directory, "a", &status, 0)), ESTALE);
  EXPECT_EQ(read_file(this->drive() / "unseen" / "d" / "a"), "text");
  EXPECT_EQ(::fstatat(directory, "a", &status, 0), 0);
  ::close(directory);
}

// Another process's lookup in another case does not rename the directory that this one works in.
TYPED_TEST(MountWithDrivers, WorkingDirectoriesKeepTheirNames) {
  ASSERT_EQ(::mkdir((this->drive() / "temp").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((this->drive() / "temp" / "sub").c_str(), 0755), 0);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(this->drive() / "temp" / "sub");
  const auto here = std::filesystem::current_path();
  std::thread([&] {
    struct stat status;
    EXPECT_EQ(::stat((this->drive() / "TEMP").c_str(), &status), 0);
    EXPECT_EQ(::stat((this->drive() / "TEMP" / "sub").c_str(), &status), 0);
    EXPECT_EQ(::stat((this->mount_point() / "c:" / "temp" / "SUB").c_str(), &status), 0);
    EXPECT_EQ(write_file(this->drive() / "TEMP" / "sub" / "a", "x"), 0);
  }).join();
  EXPECT_EQ(std::filesystem::current_path(), here);
  EXPECT_EQ(read_file("a"), "x");
  std::filesystem::current_path(before);
}

// Drivers and programs at the same time, to be watched by the sanitizers.
TYPED_TEST(MountWithDrivers, AllAtOnce) {
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      const std::string mine = "f" + std::to_string(id), shared = "shared", moved = "moved";
      for (int i = 0; i < rounds(40, 400); ++i) {
        if (id % 2) {
          DriverFile file("C:\\" + shared, DELETE | kWrite, i % 3 ? kShareAll : 0, FILE_OPEN_IF);
          if (NT_SUCCESS(file.status())) file.rename("C:\\" + (i % 2 ? moved : shared));
          if (i % 5 == 0) file.set(FILE_DISPOSITION_INFORMATION{TRUE}, FileDispositionInformation);
        } else {
          write_file(this->drive() / shared, "text");
          read_file(this->drive() / moved);
          names_in(this->drive());
          ::rename((this->drive() / moved).c_str(), (this->drive() / shared).c_str());
          ::unlink((this->drive() / shared).c_str());
        }
        ASSERT_EQ(write_file(this->drive() / mine, mine), 0);
        ASSERT_EQ(read_file(this->drive() / mine), mine);
      }
    });
  }
  for (auto &thread : threads) thread.join();
  for (const std::string &name : names_in(this->drive())) {
    EXPECT_EQ(::unlink((this->drive() / name).c_str()), 0) << name;
  }
}

}  // namespace
}  // namespace ntemu::fs::test
