// Mounting a FUSE connection on a directory and taking it away, as root or through fusermount3.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "fs/beneath.h"
#include "ntemu/include/ntemu/machine.h"

namespace ntemu::fs {

class MountPoint {
 public:
  // `connection` receives the descriptor on which the kernel sends its requests.
  static Outcome<std::unique_ptr<MountPoint>> mount(const std::filesystem::path &directory, bool allow_other,
                                                    Fd &connection);
  // Unmounts, lazily when the mount is in use. Somebody must answer requests until then.
  ~MountPoint();
  MountPoint(const MountPoint &) = delete;
  MountPoint &operator=(const MountPoint &) = delete;

 private:
  explicit MountPoint(std::filesystem::path directory);

  const std::filesystem::path directory_;
  dev_t device_ = 0;
};

}  // namespace ntemu::fs
