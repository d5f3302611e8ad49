// Linux programs in the mount of \DosDevices: what each system call does.
#include "fs/dos_devices.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "fs/mount_errors.h"
#include "ntemu/io/driver.h"
#include "ntemu/ob/object.h"
#include "tests/fs/mount_fixture.h"

namespace ntemu::fs::test {
namespace {

using Kinds = ::testing::Types<InMemory, OnHost>;
template <class Kind>
class Mount : public MountedOver<Kind> {};
TYPED_TEST_SUITE(Mount, Kinds);

TYPED_TEST(Mount, RootListsWhatLeadsToDevices) {
  PDRIVER_OBJECT driver = *io::create_driver(u"Sample", {});
  PDEVICE_OBJECT device;
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  ASSERT_EQ(IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
  ob::create_symbolic_link(u"\\??\\Sample", u"\\Device\\Sample");
  ob::create_symbolic_link(u"\\??\\a/b", u"\\Device\\Sample");
  ob::create_symbolic_link(u"\\??\\D:", u"\\Device\\HarddiskVolume1");
  ob::create_symbolic_link(u"\\??\\Nowhere", u"\\Device\\None");
  EXPECT_EQ(names_in(this->mount_point()), (std::set<std::string>{"C:", "D:", "Sample", "a\uF02Fb"}));
  const auto stat_of = [&](const char *entry) {
    struct stat status {};
    EXPECT_EQ(::stat((this->mount_point() / entry).c_str(), &status), 0) << entry;
    return status;
  };
  EXPECT_TRUE(S_ISDIR(stat_of("C:").st_mode));
  EXPECT_EQ(stat_of("Sample").st_mode, mode_t{S_IFREG | 0600});
  EXPECT_EQ(stat_of("SAMPLE").st_ino, stat_of("Sample").st_ino);
  EXPECT_EQ(stat_of("a\uF02Fb").st_mode, mode_t{S_IFREG | 0600});
  struct stat status;
  EXPECT_EQ(error_of(::stat((this->mount_point() / "Nowhere").c_str(), &status)), ENOENT);
  EXPECT_EQ(error_of(::stat((this->mount_point() / "GLOBALROOT").c_str(), &status)), ENOENT);

  // One volume under two letters, yet two directories.
  ASSERT_EQ(write_file(this->drive() / "a", "x"), 0);
  EXPECT_EQ(read_file(this->mount_point() / "D:" / "a"), "x");
  EXPECT_NE(stat_of("C:/a").st_ino, stat_of("D:/a").st_ino);
  EXPECT_EQ(error_of(::rename((this->drive() / "a").c_str(), (this->mount_point() / "D:" / "b").c_str())), 0);
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{"b"});
  IoDeleteDevice(device);
  io::delete_driver(driver);
  EXPECT_EQ(names_in(this->mount_point()), (std::set<std::string>{"C:", "D:"}));
}

TYPED_TEST(Mount, RootIsReadOnly) {
  const auto root = this->mount_point();
  EXPECT_EQ(error_of(::mkdir((root / "E:").c_str(), 0755)), EACCES);
  EXPECT_EQ(error_of_opening(root / "file", O_CREAT | O_WRONLY), EACCES);
  EXPECT_EQ(error_of(::rmdir(this->drive().c_str())), EACCES);
  EXPECT_EQ(error_of(::rename(this->drive().c_str(), (root / "E:").c_str())), EACCES);
  EXPECT_EQ(error_of(::chmod(root.c_str(), 0777)), EACCES);
}

TYPED_TEST(Mount, CreatesWritesAndReads) {
  const auto path = this->drive() / "a.txt";
  ASSERT_EQ(write_file(path, "hello"), 0);
  EXPECT_EQ(read_file(path), "hello");
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{"a.txt"});
  EXPECT_EQ(error_of_opening(path, O_CREAT | O_EXCL | O_WRONLY), EEXIST);
  EXPECT_EQ(error_of_opening(this->drive() / "none", O_RDONLY), ENOENT);
  EXPECT_EQ(error_of_opening(this->drive() / "none" / "a", O_RDONLY), ENOENT);
  EXPECT_EQ(error_of_opening(path / "a", O_RDONLY), ENOTDIR);
  EXPECT_EQ(write_file(path, "bye"), 0);
  EXPECT_EQ(read_file(path), "bye");

  Open file(path, O_RDWR);
  char buffer[16] = {};
  EXPECT_EQ(::pread(file.fd(), buffer, sizeof(buffer), 2), 1);
  EXPECT_EQ(::pread(file.fd(), buffer, sizeof(buffer), 3), 0);
  EXPECT_EQ(::pwrite(file.fd(), "!", 1, 5), 1);
  EXPECT_EQ(read_file(path), (std::string("bye\0\0!", 6)));
  EXPECT_EQ(::read(Open(path, O_WRONLY).fd(), buffer, 1), -1);
}

TYPED_TEST(Mount, CarriesLargeData) {
  std::string data(3'000'001, 0);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 >> 3);
  ASSERT_EQ(write_file(this->drive() / "large", data), 0);
  EXPECT_TRUE(read_file(this->drive() / "large") == data);
}

TYPED_TEST(Mount, AppendsWhereverTheEndIsByThen) {
  const auto path = this->drive() / "log";
  Open first(path, O_CREAT | O_WRONLY | O_APPEND), second(path, O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(first.fd(), "one ", 4), 4);
  EXPECT_EQ(::write(second.fd(), "two ", 4), 4);
  DriverFile driver("C:\\log", FILE_APPEND_DATA, kShareAll);
  EXPECT_EQ(driver.write("three "), STATUS_SUCCESS);
  EXPECT_EQ(::write(first.fd(), "four", 4), 4);
  EXPECT_EQ(read_file(path), "one two three four");
}

TYPED_TEST(Mount, Truncates) {
  const auto path = this->drive() / "a";
  ASSERT_EQ(write_file(path, "0123456789"), 0);
  EXPECT_EQ(::truncate(path.c_str(), 4), 0);
  EXPECT_EQ(read_file(path), "0123");
  Open file(path, O_RDWR);
  EXPECT_EQ(::ftruncate(file.fd(), 6), 0);
  EXPECT_EQ(read_file(path), std::string("0123\0\0", 6));
  Open emptied(path, O_RDWR | O_TRUNC);
  EXPECT_EQ(read_file(path), "");
  EXPECT_EQ(error_of(::truncate(this->drive().c_str(), 0)), EISDIR);
}

TYPED_TEST(Mount, FindsNamesInAnyCase) {
  ASSERT_EQ(::mkdir((this->drive() / "Temp").c_str(), 0755), 0);
  ASSERT_EQ(write_file(this->drive() / "TEMP" / "File.txt", "x"), 0);
  EXPECT_EQ(read_file(this->drive() / "temp" / "FILE.TXT"), "x");
  EXPECT_EQ(read_file(this->mount_point() / "c:" / "temp" / "file.txt"), "x");
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{"Temp"});
  EXPECT_EQ(names_in(this->drive() / "tEMP"), std::set<std::string>{"File.txt"});
  EXPECT_EQ(error_of_opening(this->drive() / "Temp" / "FILE.txt", O_CREAT | O_EXCL | O_WRONLY), EEXIST);
  EXPECT_EQ(write_file(this->drive() / "Temp" / "FILE.txt", "y"), 0);
  EXPECT_EQ(names_in(this->drive() / "Temp"), std::set<std::string>{"File.txt"});
  EXPECT_EQ(::unlink((this->drive() / "TEMP" / "file.TXT").c_str()), 0);
  EXPECT_EQ(::rmdir((this->drive() / "TEMP").c_str()), 0);
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{});
}

TYPED_TEST(Mount, RenamesAsLinuxDoes) {
  const auto in = [&](const char *name) { return this->drive() / name; };
  ASSERT_EQ(write_file(in("a"), "a"), 0);
  ASSERT_EQ(write_file(in("b"), "b"), 0);
  const auto rename = [&](const char *from, const char *to, unsigned flags = 0) {
    return error_of(::renameat2(AT_FDCWD, in(from).c_str(), AT_FDCWD, in(to).c_str(), flags));
  };
  EXPECT_EQ(rename("a", "b", RENAME_NOREPLACE), EEXIST);
  EXPECT_EQ(rename("a", "b", RENAME_EXCHANGE), EINVAL);
  EXPECT_EQ(rename("none", "b"), ENOENT);
  EXPECT_EQ(rename("a", "c", RENAME_NOREPLACE), 0);
  Open held(in("b"), O_RDONLY);
  EXPECT_EQ(rename("c", "b"), 0);
  EXPECT_EQ(read_file(in("b")), "a");
  char buffer[4];
  EXPECT_EQ(::read(held.fd(), buffer, sizeof(buffer)), 1);
  EXPECT_EQ(buffer[0], 'b');
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{"b"});

  ASSERT_EQ(::mkdir(in("d").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(in("e").c_str(), 0755), 0);
  EXPECT_EQ(rename("b", "d"), EISDIR);
  EXPECT_EQ(rename("d", "b"), ENOTDIR);
  EXPECT_EQ(rename("d", "d/d"), EINVAL);
  EXPECT_EQ(rename("b", "none/b"), ENOENT);
  EXPECT_EQ(rename("b", "e/b"), 0);
  EXPECT_EQ(rename("d", "e"), ENOTEMPTY);
  EXPECT_EQ(rename("e", "d"), 0);
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{"d"});
  EXPECT_EQ(read_file(in("d/b")), "a");
}

TYPED_TEST(Mount, RenamesToAnotherCase) {
  const auto in = [&](const char *name) { return this->drive() / name; };
  ASSERT_EQ(write_file(in("a"), "text"), 0);
  ASSERT_EQ(::mkdir(in("dir").c_str(), 0755), 0);
  EXPECT_EQ(::rename(in("a").c_str(), in("A").c_str()), 0);
  EXPECT_EQ(::rename(in("dir").c_str(), in("DIR").c_str()), 0);
  EXPECT_EQ(names_in(this->drive()), (std::set<std::string>{"A", "DIR"}));
  EXPECT_EQ(read_file(in("a")), "text");
  // What a program reads under one spelling, no other may empty: `cp A a` would lose it.
  Open source(in("A"), O_RDONLY);
  EXPECT_EQ(error_of_opening(in("a"), O_WRONLY | O_TRUNC), EBUSY);
  EXPECT_EQ(read_file(in("A")), "text");
}

TYPED_TEST(Mount, UnlinksWhileOpen) {
  const auto path = this->drive() / "a";
  Open file(path, O_CREAT | O_RDWR);
  ASSERT_EQ(::write(file.fd(), "text", 4), 4);
  EXPECT_EQ(::unlink(path.c_str()), 0);
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{});
  struct stat status;
  ASSERT_EQ(::fstat(file.fd(), &status), 0);
  EXPECT_EQ(status.st_size, 4);
  EXPECT_EQ(status.st_nlink, 0u);
  ASSERT_EQ(write_file(path, "new"), 0);
  char buffer[8];
  EXPECT_EQ(::pread(file.fd(), buffer, sizeof(buffer), 0), 4);
  EXPECT_EQ(::ftruncate(file.fd(), 1), 0);
  const timespec times[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  EXPECT_EQ(::futimens(file.fd(), times), 0);
  EXPECT_EQ(read_file(path), "new");
}

TYPED_TEST(Mount, MakesAndRemovesDirectories) {
  const auto in = [&](const char *name) { return this->drive() / name; };
  ASSERT_EQ(::mkdir(in("d").c_str(), 0750), 0);
  EXPECT_EQ(error_of(::mkdir(in("D").c_str(), 0755)), EEXIST);
  ASSERT_EQ(write_file(in("d/a"), ""), 0);
  EXPECT_EQ(error_of(::rmdir(in("d").c_str())), ENOTEMPTY);
  EXPECT_EQ(error_of(::rmdir(in("d/a").c_str())), ENOTDIR);
  EXPECT_EQ(error_of(::unlink(in("d").c_str())), EISDIR);
  EXPECT_EQ(::unlink(in("d/a").c_str()), 0);
  struct stat status;
  ASSERT_EQ(::stat(in("d").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, mode_t{S_IFDIR | 0750});
  EXPECT_EQ(::rmdir(in("d").c_str()), 0);
  EXPECT_EQ(error_of(::symlink("a", in("l").c_str())), EPERM);
  EXPECT_EQ(error_of(::mkfifo(in("p").c_str(), 0644)), EPERM);
}

TYPED_TEST(Mount, ListsManyNames) {
  std::set<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "file_with_a_longer_name_" + std::to_string(i);
    names.insert(name);
    ASSERT_EQ(write_file(this->drive() / name, ""), 0);
  }
  EXPECT_EQ(names_in(this->drive()), names);

  // What comes and goes meanwhile is seen from the beginning, not in the middle.
  DIR *stream = ::opendir(this->drive().c_str());
  const auto count = [&] {
    size_t entries = 0;
    while (::readdir(stream)) ++entries;
    return entries;
  };
  EXPECT_EQ(count(), names.size() + 2);
  ASSERT_EQ(::unlink((this->drive() / *names.begin()).c_str()), 0);
  ::rewinddir(stream);
  EXPECT_EQ(count(), names.size() + 1);
  ::closedir(stream);
}

TYPED_TEST(Mount, MapsCharactersThatNtForbids) {
  const std::string odd = "a?b:c*\\d|\"<>\x01";
  ASSERT_EQ(write_file(this->drive() / odd, "x"), 0);
  EXPECT_EQ(names_in(this->drive()), std::set<std::string>{odd});
  const std::string seen = "C:\\a\uF03Fb\uF03Ac\uF02A\uF05Cd\uF07C\uF022\uF03C\uF03E\uF001";
  EXPECT_EQ(DriverFile(seen, FILE_READ_DATA, kShareAll).status(), STATUS_SUCCESS);
  EXPECT_EQ(error_of_opening(this->drive() / "a\uF03Fb", O_CREAT | O_WRONLY), EINVAL);
  EXPECT_EQ(error_of_opening(this->drive() / "\xFFz", O_CREAT | O_WRONLY), EILSEQ);
  EXPECT_EQ(error_of_opening(this->drive() / std::string(256, 'x'), O_CREAT | O_WRONLY), ENAMETOOLONG);
  EXPECT_EQ(error_of_opening(this->drive() / std::string(255, 'x'), O_CREAT | O_WRONLY), 0);
  for (const char *name : {"dot.", "space ", "CON", ".hidden", "\u00E4\U0001F600"}) {
    ASSERT_EQ(write_file(this->drive() / name, name), 0) << name;
    EXPECT_EQ(read_file(this->drive() / name), name);
  }
}

TYPED_TEST(Mount, KeepsTimes) {
  const auto path = this->drive() / "a";
  ASSERT_EQ(write_file(path, "x"), 0);
  const timespec times[] = {{1'000'000'000, 100}, {1'234'567'890, 987'654'300}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1'000'000'000);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'234'567'890);
  EXPECT_EQ(status.st_mtim.tv_nsec, 987'654'300);
  const timespec omit[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), omit, 0), 0);
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1'000'000'000);
  EXPECT_GT(status.st_mtim.tv_sec, 1'234'567'890);
  // A time set through an open file does not stand still from then on.
  Open file(path, O_WRONLY);
  ASSERT_EQ(::futimens(file.fd(), times), 0);
  ASSERT_EQ(::write(file.fd(), "y", 1), 1);
  ASSERT_EQ(::fstat(file.fd(), &status), 0);
  EXPECT_GT(status.st_mtim.tv_sec, 1'234'567'890);
  const timespec before_1601[] = {{-20'000'000'000, 0}, {-20'000'000'000, 0}};
  EXPECT_EQ(error_of(::utimensat(AT_FDCWD, path.c_str(), before_1601, 0)), EINVAL);
}

TYPED_TEST(Mount, ShowsAndChangesModes) {
  const auto path = this->drive() / "a";
  { Open file(path, O_CREAT | O_WRONLY, 0640); }
  const auto mode = [&] {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode(), 0640u);
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  EXPECT_EQ(mode(), 0755u);
  {
    DriverFile driver("C:\\a", FILE_WRITE_ATTRIBUTES, kShareAll);
    FILE_BASIC_INFORMATION basic{};
    basic.FileAttributes = FILE_ATTRIBUTE_READONLY;
    ASSERT_EQ(driver.set(basic, FileBasicInformation), STATUS_SUCCESS);
  }
  EXPECT_EQ(mode(), 0555u);
  EXPECT_EQ(error_of_opening(path, O_WRONLY), EACCES);
  EXPECT_EQ(error_of(::unlink(path.c_str())), EACCES);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(mode(), 0644u);
  EXPECT_EQ(::unlink(path.c_str()), 0);
}

TYPED_TEST(Mount, TellsOfTheVolumesRoom) {
  struct statvfs room;
  ASSERT_EQ(::statvfs(this->drive().c_str(), &room), 0);
  EXPECT_GT(room.f_blocks, room.f_bfree / 2);
  EXPECT_GT(room.f_bavail, 0u);
  EXPECT_EQ(room.f_namemax, 255u);
  ASSERT_EQ(::statvfs(this->mount_point().c_str(), &room), 0);
  EXPECT_EQ(room.f_blocks, 0u);
}

TYPED_TEST(Mount, RefusesWhatHasNoMeaning) {
  const auto path = this->drive() / "a";
  Open file(path, O_CREAT | O_RDWR);
  int value = 0;
  EXPECT_EQ(error_of(::ioctl(file.fd(), 0x222000, &value)), ENOTTY);
  EXPECT_EQ(error_of(static_cast<int>(::getxattr(path.c_str(), "user.x", &value, sizeof(value)))), EOPNOTSUPP);
  EXPECT_EQ(::fsync(file.fd()), 0);
}

TEST(MountErrors, NameWhatHappened) {
  EXPECT_EQ(errno_from_status(STATUS_SUCCESS), 0);
  EXPECT_EQ(errno_from_status(STATUS_SHARING_VIOLATION), EBUSY);
  EXPECT_EQ(errno_from_status(STATUS_DELETE_PENDING), EBUSY);
  EXPECT_EQ(errno_from_status(STATUS_ACCESS_DENIED), EACCES);
  EXPECT_EQ(errno_from_status(STATUS_CANNOT_DELETE), EACCES);
  EXPECT_EQ(errno_from_status(STATUS_MEDIA_WRITE_PROTECTED), EROFS);
  EXPECT_EQ(errno_from_status(STATUS_DISK_FULL), ENOSPC);
  EXPECT_EQ(errno_from_status(STATUS_TOO_MANY_OPENED_FILES), EMFILE);
  EXPECT_EQ(errno_from_status(STATUS_NOT_SAME_DEVICE), EXDEV);
  EXPECT_EQ(errno_from_status(STATUS_UNEXPECTED_IO_ERROR), EIO);
}

}  // namespace
}  // namespace ntemu::fs::test
