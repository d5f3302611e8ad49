// Drivers and Linux programs on one volume: a machine in this process, its \DosDevices by either way that Linux can
// take, and the rules of sharing to compute what must come of it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <thread>

#include "fs/dos_devices.h"
#include "ntemu/base/utf.h"
#include "tests/fs/linux_front.h"
#include "tests/fs/socket_front.h"
#include "tests/fs/volume_fixture.h"
#include "tests/support/kernel_test.h"

namespace ntemu::fs::test {

struct Setting {
  bool mount;    // system calls on a real mount, or FUSE requests on a socket
  bool on_host;  // drive C: a directory, or memory
};
inline void PrintTo(const Setting &setting, std::ostream *out) {
  *out << (setting.mount ? "Mount" : "Socket") << (setting.on_host ? "OnHost" : "InMemory");
}
inline std::string name_of(const ::testing::TestParamInfo<Setting> &info) {
  return ::testing::PrintToString(info.param);
}
inline auto all_settings() {
  return ::testing::Values(Setting{true, true}, Setting{true, false}, Setting{false, true}, Setting{false, false});
}

// What a driver has open. Paths are those of LinuxFront, so that both sides of a test read alike.
class Driver {
 public:
  struct Ask {
    ACCESS_MASK access = FILE_ALL_ACCESS;
    ULONG share = kShareAll;
    ULONG disposition = FILE_OPEN;
    ULONG options = 0;
  };
  // A name as the object manager gets it, whatever it is.
  struct Raw {
    std::u16string path;
  };
  Driver(const Raw &name, const Ask &ask);
  Driver(const std::string &path, const Ask &ask);
  explicit Driver(const std::string &path) : Driver(path, Ask()) {}
  ~Driver() { close(); }
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;

  NTSTATUS status() const { return status_; }
  void close();
  NTSTATUS write(std::string_view text, LONGLONG offset = 0);
  std::string read();
  NTSTATUS rename(const std::string &path, bool replace = false);
  NTSTATUS rename(const Raw &name, bool replace);
  NTSTATUS dispose(bool remove = true);
  bool pending();

 private:
  NTSTATUS status_;
  HANDLE handle_ = nullptr;
};

// The share rules of MS-FSA as their table has them, counted open by open.
struct Opener {
  ACCESS_MASK access;
  ULONG share;
};
class ShareRules {
 public:
  bool admits(const Opener &opener) const;
  void add(const Opener &opener) { count(opener, 1); }
  void remove(const Opener &opener) { count(opener, -1); }
  // Whether a POSIX rename or unlink may take the file's name.
  bool deletion_shared() const { return shared_[2] == opens_; }

 private:
  void count(const Opener &opener, int by);
  int opens_ = 0;
  std::array<int, 3> wanted_{};  // reading, writing, deleting
  std::array<int, 3> shared_{};
};

// What each of a driver's eight ways to want and to share a file is; bit 0 reads, 1 writes, 2 deletes.
Opener driver_opener(unsigned wants, unsigned shares);
// A Linux program's open: it shares everything.
Opener linux_opener(int flags);

class TwoFronts : public ::testing::TestWithParam<Setting> {
 protected:
  TwoFronts();
  ~TwoFronts() override;
  void SetUp() override;
  // Before the machine boots, once its directory is there.
  virtual void prepare() {}

  LinuxFront &program() { return *front_; }
  SocketFront *socket() { return dynamic_cast<SocketFront *>(front_.get()); }
  std::filesystem::path drive_c() const { return scratch_.path() / "machine" / "drive_c"; }

  TemporaryDirectory scratch_;

 private:
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<DosDevices> view_;
  std::unique_ptr<LinuxFront> front_;
};

// A thread of the test's own, of which a test can know that it waits for something in the host's kernel.
class Beside {
 public:
  explicit Beside(std::function<void()> body);
  ~Beside() { join(); }
  Beside(const Beside &) = delete;
  Beside &operator=(const Beside &) = delete;
  // Until it sleeps, or has ended: a condition, not a time.
  void await_asleep() const;
  bool ended() const { return ended_; }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<int> id_{0};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace ntemu::fs::test
