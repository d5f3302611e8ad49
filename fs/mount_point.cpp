#include "fs/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "fs/dos_devices.h"
#include "fs/fusermount.h"
#include "fs/mount_info.h"
#include "ntemu/base/lock.h"
#include "ntifs.h"

namespace ntemu::fs {
namespace {

constexpr char kSource[] = "ntemu";

struct OwnMounts {
  base::Mutex mutex;
  std::vector<dev_t> devices NTEMU_GUARDED_BY(mutex);
};
OwnMounts &own_mounts() {
  static auto *const mounts = new OwnMounts;
  return *mounts;
}

// Of what is at `path`, without asking a FUSE server.
std::optional<dev_t> device_at(const std::filesystem::path &path) {
  struct statx status {};
  const int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (::statx(AT_FDCWD, path.c_str(), flags, 0, &status) != 0) return std::nullopt;
  return makedev(status.stx_dev_major, status.stx_dev_minor);
}

Error because(NTSTATUS status, const std::filesystem::path &directory, std::string_view why) {
  return {status, fmt::format("cannot mount \\DosDevices on {}: {}", directory.string(), why)};
}

// EPERM where only fusermount3 may.
int mount_directly(const std::filesystem::path &directory, bool allow_other, Fd &connection) {
  Fd fd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!fd) return errno;
  const std::string options = fmt::format("fd={},rootmode=40000,user_id={},group_id={}{}", fd.get(), ::getuid(),
                                          ::getgid(), allow_other ? ",allow_other,default_permissions" : "");
  if (::mount(kSource, directory.c_str(), kMountType, MS_NOSUID | MS_NODEV, options.c_str()) != 0) return errno;
  connection = std::move(fd);
  return 0;
}

}  // namespace

MountPoint::MountPoint(std::filesystem::path directory) : directory_(std::move(directory)) {
  if (const auto device = device_at(directory_)) {
    device_ = *device;
    OwnMounts &own = own_mounts();
    base::Guard guard(own.mutex);
    own.devices.push_back(device_);
  }
}

Outcome<std::unique_ptr<MountPoint>> MountPoint::mount(const std::filesystem::path &given, bool allow_other,
                                                       Fd &connection) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::canonical(given, error);
  if (error) return because(STATUS_OBJECT_NAME_NOT_FOUND, given, error.message());
  if (!std::filesystem::is_directory(directory, error)) return because(STATUS_NOT_A_DIRECTORY, given, "no directory");
  if (is_inside_own_mount(directory)) return because(STATUS_INVALID_PARAMETER, given, "it lies in such a mount itself");
  if (::access("/dev/fuse", F_OK) != 0) {
    return because(STATUS_NO_SUCH_DEVICE, given,
                   "there is no /dev/fuse here (the kernel's fuse module, or the container's device)");
  }
  const int direct = mount_directly(directory, allow_other, connection);
  if (direct != 0 && direct != EPERM && direct != EACCES) {
    return because(STATUS_UNSUCCESSFUL, given, std::strerror(direct));
  }
  if (direct != 0) {
    if (auto refused = fusermount_mount(directory, allow_other, connection)) {
      return because(STATUS_ACCESS_DENIED, given, *refused);
    }
  }
  return std::unique_ptr<MountPoint>(new MountPoint(directory));
}

MountPoint::~MountPoint() {
  if (device_) {
    OwnMounts &own = own_mounts();
    base::Guard guard(own.mutex);
    const auto found = std::find(own.devices.begin(), own.devices.end(), device_);
    if (found != own.devices.end()) own.devices.erase(found);
  }
  // Somebody else may have unmounted it, and perhaps mounted something else.
  if (device_at(directory_) != device_) return;
  if (::umount2(directory_.c_str(), UMOUNT_NOFOLLOW) == 0) return;
  if (errno == EBUSY && ::umount2(directory_.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) return;
  if (!fusermount_unmount(directory_, false)) fusermount_unmount(directory_, true);
}

bool is_inside_own_mount(const std::filesystem::path &path) {
  std::error_code error;
  std::filesystem::path at = std::filesystem::absolute(path, error);
  std::optional<dev_t> device;
  while (!(device = device_at(at)) && at.has_relative_path()) at = at.parent_path();
  if (!device) return false;
  OwnMounts &own = own_mounts();
  base::Guard guard(own.mutex);
  return std::find(own.devices.begin(), own.devices.end(), *device) != own.devices.end();
}

bool detach_stale_mount(const std::filesystem::path &directory) {
  const auto point = absolute_mount_point(directory);
  bool detached = false;
  // One may lie over another.
  while (is_mount_of_ours(point)) {
    if (::umount2(point.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) != 0 && !fusermount_unmount(point, true)) return false;
    detached = true;
  }
  return detached;
}

}  // namespace ntemu::fs
