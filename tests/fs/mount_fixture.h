// A machine with its \DosDevices mounted, for programs of the host; over a volume in memory and over a host directory.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "fs/dos_devices.h"
#include "ntemu/base/utf.h"
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {

// What a system call left behind: 0, or errno.
inline int error_of(int result) { return result < 0 ? errno : 0; }

// A descriptor for the length of a test.
class Open {
 public:
  Open(const std::filesystem::path &path, int flags, mode_t mode = 0644)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)), error_(error_of(fd_)) {}
  ~Open() { close(); }
  Open(const Open &) = delete;
  Open &operator=(const Open &) = delete;
  int fd() const { return fd_; }
  int error() const { return error_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  int error_;
};

inline int error_of_opening(const std::filesystem::path &path, int flags) { return Open(path, flags).error(); }

inline std::string read_file(const std::filesystem::path &path) {
  Open file(path, O_RDONLY);
  std::string text;
  char buffer[4096];
  for (ssize_t length; (length = ::read(file.fd(), buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(length));
  }
  return text;
}

inline int write_file(const std::filesystem::path &path, std::string_view text, int flags = O_CREAT | O_TRUNC) {
  Open file(path, O_WRONLY | flags);
  if (file.error()) return file.error();
  const ssize_t written = ::write(file.fd(), text.data(), text.size());
  if (written < 0) return errno;
  return static_cast<size_t>(written) == text.size() ? 0 : EIO;
}

inline std::set<std::string> names_in(const std::filesystem::path &directory) {
  std::set<std::string> names;
  DIR *stream = ::opendir(directory.c_str());
  if (!stream) return {std::string("<") + std::strerror(errno) + ">"};
  while (const dirent *entry = ::readdir(stream)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace(name);
  }
  ::closedir(stream);
  return names;
}

// An open by a driver.
class DriverFile {
 public:
  DriverFile(const std::string &path, ACCESS_MASK access, ULONG share, ULONG disposition = FILE_OPEN,
             ULONG options = FILE_SYNCHRONOUS_IO_NONALERT) {
    const std::u16string wide = *base::to_utf16("\\??\\" + path);
    UNICODE_STRING name = base::to_unicode_string(wide);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    IO_STATUS_BLOCK io_status{};
    status_ = ZwCreateFile(&handle_, access | SYNCHRONIZE, &attributes, &io_status, nullptr, FILE_ATTRIBUTE_NORMAL,
                           share, disposition, options, nullptr, 0);
    if (!NT_SUCCESS(status_)) handle_ = nullptr;
  }
  ~DriverFile() { close(); }
  DriverFile(const DriverFile &) = delete;
  DriverFile &operator=(const DriverFile &) = delete;

  NTSTATUS status() const { return status_; }
  void close() {
    if (handle_) ZwClose(handle_);
    handle_ = nullptr;
  }
  NTSTATUS write(std::string text) {
    IO_STATUS_BLOCK io_status{};
    return ZwWriteFile(handle_, nullptr, nullptr, nullptr, &io_status, text.data(), static_cast<ULONG>(text.size()),
                       nullptr, nullptr);
  }
  template <class Info>
  NTSTATUS set(Info info, FILE_INFORMATION_CLASS info_class) {
    IO_STATUS_BLOCK io_status{};
    return ZwSetInformationFile(handle_, &io_status, &info, sizeof(info), info_class);
  }
  NTSTATUS rename(const std::string &path) {
    const std::u16string wide = *base::to_utf16("\\??\\" + path);
    std::vector<char> buffer(sizeof(FILE_RENAME_INFORMATION) + wide.size() * sizeof(WCHAR));
    auto *info = reinterpret_cast<FILE_RENAME_INFORMATION *>(buffer.data());
    info->FileNameLength = static_cast<ULONG>(wide.size() * sizeof(WCHAR));
    std::memcpy(info->FileName, wide.data(), info->FileNameLength);
    IO_STATUS_BLOCK io_status{};
    return ZwSetInformationFile(handle_, &io_status, info, static_cast<ULONG>(buffer.size()), FileRenameInformation);
  }

 private:
  HANDLE handle_ = nullptr;
  NTSTATUS status_;
};

struct InMemory {
  static constexpr bool kOnHost = false;
};
struct OnHost {
  static constexpr bool kOnHost = true;
};

class Mounted : public ::testing::Test {
 protected:
  explicit Mounted(bool on_host = false) {
    std::filesystem::create_directory(mount_point());
    MachineOptions options;
    if (on_host) options.directory = scratch_.path() / "machine";
    auto machine = Machine::boot(std::move(options));
    if (!machine) {
      ADD_FAILURE() << machine.error().text;
      return;
    }
    machine_ = std::move(*machine);
    auto view = DosDevices::mount(mount_point());
    if (view) {
      view_ = std::move(*view);
    } else {
      why_not_ = view.error().text;
    }
  }
  ~Mounted() override {
    view_.reset();
    if (machine_) {
      EXPECT_TRUE(machine_->shut_down());
    }
  }
  void SetUp() override {
    if (!view_) GTEST_SKIP() << why_not_;
  }
  std::filesystem::path mount_point() const { return scratch_.path() / "DosDevices"; }
  std::filesystem::path drive() const { return mount_point() / "C:"; }
  std::filesystem::path drive_c() const { return scratch_.path() / "machine" / "drive_c"; }

  TemporaryDirectory scratch_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<DosDevices> view_;
  std::string why_not_;
};

template <class Kind>
class MountedOver : public Mounted {
 protected:
  MountedOver() : Mounted(Kind::kOnHost) {}
};

}  // namespace ntemu::fs::test
