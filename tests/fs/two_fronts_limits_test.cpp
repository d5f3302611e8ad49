// A full volume and a process without descriptors: an error on whichever side it happens, nothing lost, and as before
// once there is room again.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "ntemu/io/driver.h"
#include "ntemu/io/file.h"
#include "tests/fs/two_fronts.h"

namespace ntemu::fs::test {
namespace {

namespace host = std::filesystem;

constexpr LONGLONG kRoom = 512 * 1024;
const std::string kPrecious(20'000, 'p');

// On a host, C: is a small tmpfs; in memory, S: is a small volume.
class TwoFrontsFull : public TwoFronts {
 protected:
  ~TwoFrontsFull() override {
    if (mounted_) ::umount2(drive_c().c_str(), MNT_DETACH);
    if (driver_) {
      ob::delete_symbolic_link(u"\\??\\S:");
      io::dismount_volume(device_);
      IoDeleteDevice(device_);
      io::delete_driver(driver_);
    }
  }
  void prepare() override {
    if (!GetParam().on_host) return;
    const std::string options = "size=" + std::to_string(kRoom);
    mounted_ = ::mount("none", drive_c().c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_) GTEST_SKIP() << "needs to mount a tmpfs: " << std::strerror(errno);
  }
  void SetUp() override {
    TwoFronts::SetUp();
    if (IsSkipped() || HasFatalFailure() || GetParam().on_host) return;
    drive_ = "S:/";
    io::DriverImage image{};
    image.file_system = true;
    auto driver = io::create_driver(u"small", image);
    ASSERT_TRUE(driver);
    driver_ = *driver;
    UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Small");
    ASSERT_EQ(IoCreateDevice(driver_, 0, &name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &device_), STATUS_SUCCESS);
    io::mount_volume(device_, make_memory_volume(kRoom));
    ASSERT_EQ(ob::create_symbolic_link(u"\\??\\S:", u"\\Device\\Small"), STATUS_SUCCESS);
  }
  // What of `pieces` was acknowledged before the first that was not, whose errno is `error`.
  off_t fill_by_linux(const std::string &path, int &error) {
    const std::string piece(16'000, 'L');
    int file = -1;
    off_t written = 0;
    error = program().open(path, O_WRONLY | O_CREAT, file);
    if (error) return 0;
    while (written < 4 * kRoom && (error = program().append(file, piece, written)) == 0) {
      written += static_cast<off_t>(piece.size());
    }
    EXPECT_EQ(program().close(file), 0);
    return written;
  }
  off_t fill_by_driver(const std::string &path, NTSTATUS &status) {
    const std::string piece(16'000, 'D');
    Driver file(path, {.disposition = FILE_OPEN_IF});
    status = file.status();
    off_t written = 0;
    if (!NT_SUCCESS(status)) return 0;
    while (written < 4 * kRoom && NT_SUCCESS(status = file.write(piece, written))) {
      written += static_cast<off_t>(piece.size());
    }
    return written;
  }
  off_t size(const std::string &path) {
    struct stat status;
    return program().stat(path, status) == 0 ? status.st_size : -1;
  }

  std::string drive_ = "C:/";

 private:
  bool mounted_ = false;
  PDRIVER_OBJECT driver_ = nullptr;
  PDEVICE_OBJECT device_ = nullptr;
};

TEST_P(TwoFrontsFull, SaysSoLosesNothingAndGoesOn) {
  ASSERT_EQ(program().put(drive_ + "precious", kPrecious), 0);
  for (int round = 0; round < 10; ++round) {
    int error = 0;
    const off_t by_linux = fill_by_linux(drive_ + "linux", error);
    EXPECT_EQ(error, ENOSPC);
    EXPECT_GT(by_linux, kRoom / 2);
    EXPECT_GE(size(drive_ + "linux"), by_linux) << "what was acknowledged is there";
    NTSTATUS status = STATUS_SUCCESS;
    const off_t by_driver = fill_by_driver(drive_ + "driver", status);
    EXPECT_EQ(status, STATUS_DISK_FULL);
    if (const off_t now = size(drive_ + "driver"); now >= 0) {
      EXPECT_GE(now, by_driver);
    }
    EXPECT_EQ(program().get(drive_ + "precious"), kPrecious);
    EXPECT_EQ(Driver(drive_ + "precious").read(), kPrecious);
    EXPECT_EQ(program().rename(drive_ + "linux", drive_ + "renamed"), 0) << "needs no room";
    EXPECT_EQ(program().unlink(drive_ + "renamed"), 0);
    EXPECT_EQ(Driver(drive_ + "driver", {.disposition = FILE_OPEN_IF, .options = FILE_DELETE_ON_CLOSE}).status(),
              STATUS_SUCCESS);
    ASSERT_EQ(program().put(drive_ + "again", kPrecious), 0);
    EXPECT_EQ(Driver(drive_ + "again", {.options = FILE_DELETE_ON_CLOSE}).read(), kPrecious);
  }
}

TEST_P(TwoFrontsFull, RoomOfAFileThatIsBeingClosedIsWaitedFor) {
  if (!socket()) GTEST_SKIP() << "the kernel's releases come when it likes";
  for (int round = 0; round < 10; ++round) {
    int error = 0;
    socket()->hold_releases();
    fill_by_linux(drive_ + "linux", error);
    ASSERT_EQ(error, ENOSPC);
    ASSERT_EQ(program().unlink(drive_ + "linux"), 0);
    Driver file(drive_ + "driver", {.disposition = FILE_CREATE, .options = FILE_DELETE_ON_CLOSE});
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    Beside driver([&] { status = file.write(kPrecious, 0); });
    driver.await_asleep();
    socket()->let_releases_go();
    driver.join();
    ASSERT_EQ(status, STATUS_SUCCESS);
  }
}

TEST_P(TwoFrontsFull, RoomOfAFileThatIsInUseIsNot) {
  if (!socket()) GTEST_SKIP() << "the kernel's releases come when it likes";
  Driver first(drive_ + "first",
               {.share = FILE_SHARE_DELETE, .disposition = FILE_CREATE, .options = FILE_DELETE_ON_CLOSE});
  const std::string piece(16'000, 'D');
  for (off_t at = 0; NT_SUCCESS(first.write(piece, at));) at += static_cast<off_t>(piece.size());
  ASSERT_EQ(program().unlink(drive_ + "first"), 0);
  Driver second(drive_ + "second", {.disposition = FILE_CREATE, .options = FILE_DELETE_ON_CLOSE});
  EXPECT_EQ(second.write(kPrecious, 0), STATUS_DISK_FULL);
}

INSTANTIATE_TEST_SUITE_P(By, TwoFrontsFull, all_settings(), name_of);

class TwoFrontsDescriptors : public TwoFronts {
 protected:
  TwoFrontsDescriptors() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~TwoFrontsDescriptors() override { restore(); }
  static size_t in_use() {
    const host::directory_iterator all("/proc/self/fd");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }
  // Until what programs have closed is closed here as well.
  static void await_releases(size_t until) {
    while (in_use() > until) std::this_thread::yield();
  }
  // Lets the process have `more` than it has now.
  void leave(size_t more) {
    rlim_t highest = 0;
    for (const auto &entry : host::directory_iterator("/proc/self/fd")) {
      highest = std::max<rlim_t>(highest, std::stoul(entry.path().filename().string()));
    }
    rlimit limit = before_;
    limit.rlim_cur = highest + 1 + more;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    // There may be free ones among those in use.
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(fd);
    ASSERT_GE(taken_.size(), more);
    for (; more > 0; --more) give_back();
  }
  void restore() {
    while (!taken_.empty()) give_back();
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0);
  }

 private:
  void give_back() {
    ::close(taken_.back());
    taken_.pop_back();
  }
  std::vector<int> taken_;
  rlimit before_{};
};

TEST_P(TwoFrontsDescriptors, NoneLeftIsAnErrorAndNothingMore) {
  constexpr int kFiles = 40;
  const auto file_name = [](int index) { return "C:/f" + std::to_string(index); };
  ASSERT_EQ(program().mkdir("C:/d"), 0);
  const size_t idle = in_use();
  for (int index = 0; index < kFiles; ++index) ASSERT_EQ(program().put(file_name(index), kPrecious), 0);
  for (int round = 0; round < 5; ++round) {
    std::vector<int> files;
    std::vector<std::unique_ptr<Driver>> drivers;
    await_releases(idle);
    leave(20);
    int error = 0;
    for (int index = 0; index < kFiles / 2 && error == 0; ++index) {
      int file = -1;
      error = program().open(file_name(index), O_RDWR, file);
      if (error == 0) files.push_back(file);
    }
    EXPECT_EQ(error, EMFILE);
    NTSTATUS status = STATUS_SUCCESS;
    for (int index = kFiles / 2; index < kFiles && NT_SUCCESS(status); ++index) {
      drivers.push_back(std::make_unique<Driver>(file_name(index)));
      status = drivers.back()->status();
    }
    EXPECT_EQ(status, STATUS_TOO_MANY_OPENED_FILES);
    drivers.pop_back();
    // What asks for a new descriptor fails, and leaves nothing half done.
    EXPECT_EQ(Driver("C:/new", {.disposition = FILE_CREATE}).status(), STATUS_TOO_MANY_OPENED_FILES);
    EXPECT_EQ(Driver("C:/dir", {.disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE}).status(),
              STATUS_TOO_MANY_OPENED_FILES);
    EXPECT_EQ(program().error_of_open("C:/new", O_WRONLY | O_CREAT), EMFILE);
    EXPECT_EQ(program().mkdir("C:/dir"), EMFILE);
    EXPECT_EQ(program().unlink(file_name(kFiles - 1)), EMFILE);
    EXPECT_EQ(program().rename(file_name(kFiles - 1), "C:/moved"), EMFILE);
    // What is open goes on.
    ASSERT_FALSE(files.empty());
    EXPECT_EQ(program().write(files.front(), "Linux"), 0);
    if (!drivers.empty()) {
      EXPECT_EQ(drivers.front()->write("Linux"), STATUS_SUCCESS);
    }
    restore();
    for (const int file : files) EXPECT_EQ(program().close(file), 0);
    drivers.clear();
    std::set<std::string> names;
    ASSERT_EQ(program().list("C:", names), 0);
    EXPECT_EQ(names.size(), kFiles + 1U) << "files and d";
    for (int index = 0; index < kFiles; ++index) {
      const std::string text = program().get(file_name(index));
      EXPECT_EQ(text.substr(5), kPrecious.substr(5)) << index;
    }
    ASSERT_EQ(program().put("C:/new", "room again"), 0);
    EXPECT_EQ(Driver("C:/new", {.options = FILE_DELETE_ON_CLOSE}).read(), "room again");
  }
}

INSTANTIATE_TEST_SUITE_P(By, TwoFrontsDescriptors, ::testing::Values(Setting{true, true}, Setting{false, true}),
                         name_of);

}  // namespace
}  // namespace ntemu::fs::test
