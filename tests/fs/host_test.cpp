// What only a volume on a host directory has: other programs, symbolic links, the host's own names and limits.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <atomic>
#include <thread>

#include "fs/beneath.h"
#include "fs/host_node.h"
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

namespace host = std::filesystem;

void put(const host::path &path, std::string_view data = {}) { std::ofstream(path) << data; }
std::string get(const host::path &path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The parameter: whether paths are walked instead of given to openat2.
class HostVolume : public AnyVolume, public ::testing::WithParamInterface<bool> {
 protected:
  HostVolume() {
    host::create_directory(root());
    auto volume = make_host_volume(root(), {.walk_paths = GetParam()});
    if (volume) volume_ = std::move(*volume);
  }
  ~HostVolume() override { volume_.reset(); }
  host::path root() const { return directory_.path() / "root"; }
  host::path outside() const { return directory_.path() / "outside"; }

  TemporaryDirectory directory_;
};
INSTANTIATE_TEST_SUITE_P(Paths, HostVolume, ::testing::Values(false, true),
                         [](const auto &kind) { return kind.param ? "Walked" : "ByOpenat2"; });

TEST_P(HostVolume, MustBeADirectory) {
  put(outside());
  EXPECT_EQ(make_host_volume(outside()).status(), STATUS_NOT_A_DIRECTORY);
  EXPECT_EQ(make_host_volume(outside() / "x").status(), STATUS_NOT_A_DIRECTORY);
  EXPECT_EQ(make_host_volume(directory_.path() / "none").status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(HostVolume, LinksStayInside) {
  host::create_directory(outside());
  put(outside() / "secret", "secret");
  host::create_directory(root() / "d");
  put(root() / "d" / "file", "inside");
  host::create_symlink(outside(), root() / "absolute");
  host::create_symlink("../outside", root() / "upwards");
  host::create_symlink("../../../../../../.." + outside().string(), root() / "far upwards");
  host::create_symlink(outside() / "secret", root() / "file");
  host::create_symlink("/d", root() / "rooted");
  host::create_symlink("../d/./file", root() / "d" / "around");
  host::create_symlink("loop", root() / "loop");
  host::create_symlink("/proc/self/root", root() / "magic");
  for (const char16_t *path :
       {u"\\absolute\\secret", u"\\upwards\\secret", u"\\far upwards\\secret", u"\\file", u"\\magic\\etc"}) {
    EXPECT_FALSE(NT_SUCCESS(try_open(path))) << host::path(path);
    EXPECT_FALSE(NT_SUCCESS(try_open(path, {.disposition = FILE_CREATE}))) << host::path(path);
  }
  EXPECT_EQ(contents(u"\\rooted\\file"), "inside") << "an absolute link starts at the volume's root";
  EXPECT_EQ(contents(u"\\d\\around"), "inside");
  EXPECT_EQ(try_open(u"\\loop\\x"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(get(outside() / "secret"), "secret");
}

TEST_P(HostVolume, WhatALinkLeadsToIsNotDeletedOrRenamedThroughIt) {
  put(root() / "file", "data");
  host::create_symlink("file", root() / "link");
  auto file = open(u"\\link");
  ASSERT_EQ(file.status, STATUS_SUCCESS);
  EXPECT_EQ(dispose(file), STATUS_CANNOT_DELETE);
  EXPECT_EQ(file->rename(u"x", nullptr, 0, UserMode), STATUS_NOT_SUPPORTED);
  EXPECT_EQ(try_open(u"\\link", {.options = FILE_DELETE_ON_CLOSE}), STATUS_CANNOT_DELETE);
  EXPECT_EQ(try_open(u"\\file", {.share = 0}), STATUS_SHARING_VIOLATION) << "both names are one file";
}

TEST_P(HostVolume, RacingRenamesCannotLeadOut) {
  host::create_directory(outside());
  put(outside() / "target", "secret");
  host::create_directories(root() / "d" / "deep");
  put(root() / "d" / "deep" / "target", "inside");
  host::create_symlink(outside(), root() / "trap");
  std::atomic<bool> stop{false};
  std::thread racer([&] {
    const std::string real = root() / "d" / "deep";
    const std::string trap = root() / "trap";
    while (!stop) ::renameat2(AT_FDCWD, real.c_str(), AT_FDCWD, trap.c_str(), RENAME_EXCHANGE);
  });
  int opened = 0;
  for (int i = 0; i < 3000; ++i) {
    auto file = open(u"\\d\\deep\\target", {.access = FILE_READ_DATA});
    if (!file.file) continue;
    ++opened;
    char buffer[16];
    auto moved = file->read(buffer, sizeof(buffer), 0);
    ASSERT_TRUE(moved);
    ASSERT_EQ(std::string(buffer, *moved), "inside");
  }
  stop = true;
  racer.join();
  EXPECT_GT(opened, 0);
}

TEST_P(HostVolume, BeneathKeepsDotDotInside) {
  host::create_directories(root() / "a" / "b");
  put(root() / "top", "top");
  put(directory_.path() / "top", "outside");
  const Beneath beneath(Fd(::open(root().c_str(), O_PATH | O_DIRECTORY)), GetParam());
  for (const char *path : {"../../top", "a/../../top", "/top", "a/b/../../../../top", "./top"}) {
    Fd fd = beneath.open(path, O_RDONLY);
    ASSERT_TRUE(fd) << path << ": " << std::strerror(errno);
    char buffer[16];
    const ssize_t length = ::read(fd.get(), buffer, sizeof(buffer));
    EXPECT_EQ(std::string(buffer, static_cast<size_t>(std::max<ssize_t>(length, 0))), "top") << path;
  }
  EXPECT_TRUE(beneath.open("a/b/..", O_RDONLY | O_DIRECTORY));
  EXPECT_FALSE(beneath.open("a/none", O_RDONLY));
  EXPECT_FALSE(beneath.open("top/x", O_RDONLY));
}

TEST_P(HostVolume, NamesThatDifferInCaseAloneAreAllReachable) {
  put(root() / "Readme", "first");
  put(root() / "readme", "second");
  EXPECT_EQ(contents(u"\\Readme"), "first");
  EXPECT_EQ(contents(u"\\readme"), "second");
  EXPECT_EQ(contents(u"\\README"), "first") << "no exact match: the first in code-unit order";
  EXPECT_EQ(try_open(u"\\README", {.disposition = FILE_CREATE}), STATUS_OBJECT_NAME_COLLISION);
}

TEST_P(HostVolume, ChangesFromOutsideAreSeen) {
  EXPECT_FALSE(exists(u"\\f"));
  put(root() / "f", "one");
  EXPECT_EQ(contents(u"\\f"), "one");
  host::rename(root() / "f", root() / "g");
  EXPECT_FALSE(exists(u"\\f"));
  EXPECT_EQ(contents(u"\\G"), "one");
  host::remove(root() / "g");
  EXPECT_FALSE(exists(u"\\g"));
  host::create_directories(root() / "d" / "e");
  put(root() / "d" / "e" / "f", "deep");
  EXPECT_EQ(contents(u"\\D\\E\\F"), "deep");
  host::remove_all(root() / "d");
  EXPECT_EQ(try_open(u"\\d\\e\\f"), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST_P(HostVolume, FileMovedOutsideKeepsItsIdentity) {
  put(root() / "f", "data");
  auto file = open(u"\\f", {.share = 0});
  host::rename(root() / "f", root() / "g");
  EXPECT_EQ(try_open(u"\\g"), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(file->path(), u"\\g");
}

TEST_P(HostVolume, AnotherFileUnderAPendingNameIsNotDeleted) {
  put(root() / "f", "old");
  auto file = open(u"\\f");
  ASSERT_EQ(dispose(file), STATUS_SUCCESS);
  host::rename(root() / "f", root() / "elsewhere");
  put(root() / "f", "new");
  file.close();
  EXPECT_EQ(get(root() / "f"), "new");
}

TEST_P(HostVolume, OutsidersFileIsNotOverwrittenByARename) {
  make_file(u"\\a", "mine");
  auto file = open(u"\\a");
  for (int i = 0; i < 200; ++i) {
    const std::string name = "target" + std::to_string(i);
    std::thread outsider([&] { put(root() / name, "theirs"); });
    const NTSTATUS status = file->rename(std::u16string(name.begin(), name.end()), nullptr, 0, UserMode);
    outsider.join();
    if (NT_SUCCESS(status)) {
      ASSERT_EQ(file->rename(u"a", nullptr, 0, UserMode), STATUS_SUCCESS);
    } else {
      ASSERT_EQ(status, STATUS_OBJECT_NAME_COLLISION);
      ASSERT_EQ(get(root() / name), "theirs");
    }
  }
}

TEST_P(HostVolume, CharactersThatNtForbidsAreMapped) {
  put(root() / "a:b?", "x");
  auto file = open(
      u"\\a\xF03A"
      u"b\xF03F");
  ASSERT_EQ(file.status, STATUS_SUCCESS);
  EXPECT_EQ(file->path(),
            u"\\a\xF03A"
            u"b\xF03F");
  EXPECT_EQ(file->rename(u"c\xF02A", nullptr, 0, UserMode), STATUS_SUCCESS);
  EXPECT_TRUE(host::exists(root() / "c*"));
}

TEST_P(HostVolume, NamesLongerThanTheHostsLimit) {
  const std::u16string name(200, u'\u4f60');  // 600 bytes
  EXPECT_EQ(try_open(u"\\" + name), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(try_open(u"\\" + name, {.disposition = FILE_CREATE}), STATUS_NAME_TOO_LONG);
  make_file(u"\\f");
  auto file = open(u"\\f");
  EXPECT_EQ(file->rename(name, nullptr, 0, UserMode), STATUS_NAME_TOO_LONG);
  EXPECT_EQ(try_open(u"\\" + std::u16string(255, u'n'), {.disposition = FILE_CREATE}), STATUS_SUCCESS);
}

TEST_P(HostVolume, AttributesAreStoredOnlyWhenUnusual) {
  char text[16];
  make_file(u"\\plain");
  EXPECT_EQ(::getxattr((root() / "plain").c_str(), "user.ntemu.attributes", text, sizeof(text)), -1);
  EXPECT_EQ(errno, ENODATA);
  make_file(u"\\hidden", {}, FILE_ATTRIBUTE_HIDDEN);
  EXPECT_GT(::getxattr((root() / "hidden").c_str(), "user.ntemu.attributes", text, sizeof(text)), 0);
  // A second volume on the same directory, as after a restart.
  volume_ = std::move(*make_host_volume(root()));
  EXPECT_EQ(attributes(u"\\hidden"), ULONG{FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE});
}

TEST_P(HostVolume, DevicesAndPipesAreRefusedWithoutBlocking) {
  ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(try_open(u"\\pipe"), STATUS_ACCESS_DENIED);
  EXPECT_EQ(try_open(u"\\pipe", {.disposition = FILE_OVERWRITE_IF}), STATUS_ACCESS_DENIED);
}

TEST_P(HostVolume, LaterWriterOfAFileThatWasOpenedForReading) {
  put(root() / "f", "data");
  auto reader = open(u"\\f", {.access = FILE_READ_DATA});
  auto writer = open(u"\\f", {.access = FILE_WRITE_DATA});
  ASSERT_EQ(writer.status, STATUS_SUCCESS);
  LONGLONG offset = 0;
  EXPECT_TRUE(writer->write("DATA", 4, offset));
  EXPECT_EQ(get(root() / "f"), "DATA");
}

// Two stamps differ from now on: whatever changed before, a later change shows.
void await_tick(const host::path &directory) {
  struct stat before, now;
  ASSERT_EQ(::stat(directory.c_str(), &before), 0);
  const TemporaryDirectory other(directory.parent_path());
  do {
    put(other.path() / "probe", "x");
    ASSERT_EQ(::stat((other.path() / "probe").c_str(), &now), 0);
  } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

TEST(HostDirectory, IndexThatIsTrustedStillFollowsTheOutside) {
  const TemporaryDirectory folder;
  auto volume = make_host_volume(folder.path(), {.time_grain = -1});  // all changes are long ago
  ASSERT_TRUE(volume);
  const auto look = [&](std::u16string_view path, ULONG disposition = FILE_OPEN) {
    io::CreateRequest request;
    request.path = path;
    request.access = FILE_READ_ATTRIBUTES;
    request.disposition = disposition;
    return (*volume)->create(request).status();
  };
  for (int round = 0; round < 20; ++round) {
    await_tick(folder.path());
    EXPECT_EQ(look(u"\\F"), STATUS_OBJECT_NAME_NOT_FOUND);
    put(folder.path() / "f", "theirs");
    EXPECT_EQ(look(u"\\F", FILE_CREATE), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(look(u"\\F"), STATUS_SUCCESS);
    EXPECT_EQ(look(u"\\g"), STATUS_OBJECT_NAME_NOT_FOUND);
    await_tick(folder.path());
    host::remove(folder.path() / "f");
    EXPECT_EQ(look(u"\\F"), STATUS_OBJECT_NAME_NOT_FOUND);
    await_tick(folder.path());
    EXPECT_EQ(look(u"\\mine", FILE_CREATE), STATUS_SUCCESS);
    EXPECT_EQ(look(u"\\MINE"), STATUS_SUCCESS);
    host::remove(folder.path() / "mine");
    EXPECT_EQ(look(u"\\Mine"), STATUS_OBJECT_NAME_NOT_FOUND);
  }
}

TEST_P(HostVolume, OutsidersFileIsFoundByWhoeverWouldMakeIt) {
  EXPECT_EQ(try_open(u"\\none"), STATUS_OBJECT_NAME_NOT_FOUND);
  for (int i = 0; i < 200; ++i) {
    const std::string name = "f" + std::to_string(i);
    const std::u16string path = u"\\" + std::u16string(name.begin(), name.end());
    make_file(path + u".mine");
    put(root() / name, "theirs");  // mostly in the same tick
    auto file = open(path, {.disposition = static_cast<ULONG>(i % 2 ? FILE_OPEN_IF : FILE_CREATE)});
    if (i % 2) {
      ASSERT_EQ(file.information, ULONG_PTR{FILE_OPENED});
    } else {
      ASSERT_EQ(file.status, STATUS_OBJECT_NAME_COLLISION);
    }
    ASSERT_EQ(get(root() / name), "theirs");
  }
}

TEST_P(HostVolume, NothingIsMadeByTheNameOfALinkThatLeadsNowhere) {
  host::create_symlink("nowhere", root() / "link");
  for (const unsigned disposition : {FILE_OPEN + 0U, FILE_CREATE + 0U, FILE_OPEN_IF + 0U, FILE_SUPERSEDE + 0U}) {
    EXPECT_EQ(try_open(u"\\link", {.disposition = disposition}), STATUS_OBJECT_PATH_NOT_FOUND);
  }
  make_file(u"\\f", "data");
  auto file = open(u"\\f");
  EXPECT_EQ(file->rename(u"link", nullptr, 0, UserMode), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_FALSE(host::exists(root() / "nowhere"));
}

// In memory where the host has such a file system, since making the files is what takes long.
TEST(HostDirectory, ReadsALargeDirectoryOnce) {
  const host::path base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : host::temp_directory_path();
  const TemporaryDirectory big(base);
  Fd fd(::open(big.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 100'000; ++i) {
    ::close(::openat(fd.get(), ("Name" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600));
  }
  struct stat status;
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  auto root = std::make_shared<const Beneath>(Fd(::dup(fd.get())));
  const auto directory = std::make_shared<HostDirectory>(root, std::move(fd), status);
  for (int i = 0; i < 1000; ++i) {
    const std::string digits = std::to_string(i);
    const std::u16string number(digits.begin(), digits.end());
    EXPECT_TRUE(directory->lookup(u"nAmE" + number, false, false));
    EXPECT_EQ(directory->lookup(u"absent" + number, false, false).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    auto made = directory->create(u"New" + number, false, FILE_ATTRIBUTE_ARCHIVE);
    ASSERT_TRUE(made);
    EXPECT_TRUE(directory->lookup(u"NEW" + number, false, false));
    EXPECT_EQ(directory->rename(u"New" + number, **made, *directory, u"Moved" + number, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(directory->remove(u"Moved" + number, **made), STATUS_SUCCESS);
    EXPECT_EQ(directory->lookup(u"moved" + number, false, false).status(), STATUS_OBJECT_NAME_NOT_FOUND);
  }
  EXPECT_EQ(directory->scans(), 1U) << "neither lookups nor our own changes make the index stale";
  put(big.path() / "From Outside");
  EXPECT_TRUE(directory->lookup(u"from outside", false, false));
  EXPECT_EQ(directory->scans(), 2U);
}

TEST_P(HostVolume, FullDisk) {
  if (::geteuid() != 0 || ::mount("none", root().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "needs to mount a tmpfs";
  }
  volume_ = std::move(*make_host_volume(root()));
  {
    auto file = open(u"\\f", {.disposition = FILE_CREATE});
    ASSERT_EQ(file.status, STATUS_SUCCESS);
    const std::string data(1 << 20, 'x');
    LONGLONG offset = 0;
    EXPECT_EQ(file->write(data.data(), static_cast<ULONG>(data.size()), offset).status(), STATUS_DISK_FULL);
    FILE_ALLOCATION_INFORMATION allocation{};
    allocation.AllocationSize.QuadPart = 1 << 20;
    EXPECT_EQ(file->set(FileAllocationInformation, &allocation, sizeof(allocation)), STATUS_DISK_FULL);
    EXPECT_EQ(try_open(u"\\reserved", {.disposition = FILE_CREATE, .allocation = 1 << 20}), STATUS_DISK_FULL);
    EXPECT_FALSE(host::exists(root() / "reserved"));
  }
  volume_.reset();
  EXPECT_EQ(::umount2(root().c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace ntemu::fs::test
