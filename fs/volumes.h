// The built-in volumes. Both follow the same rules; they differ in where the bytes are.
#pragma once

#include <filesystem>

#include "ntemu/base/result.h"
#include "ntemu/io/file_system.h"

namespace ntemu::fs {

// For unit tests and for machines that leave nothing behind. `capacity`: bytes of file data, then STATUS_DISK_FULL.
std::unique_ptr<io::Volume> make_memory_volume(LONGLONG capacity = LONGLONG{1} << 40);

struct HostVolumeOptions {
  // Never use openat2, as if the kernel or a container's filter had none.
  bool walk_paths = false;
  // In seconds, how coarsely the host may stamp times: two changes so close together may look like one. FAT has 2.
  int time_grain = 2;
};

// On a directory of the host, which must exist. STATUS_OBJECT_NAME_NOT_FOUND, STATUS_NOT_A_DIRECTORY,
// STATUS_ACCESS_DENIED.
Result<std::unique_ptr<io::Volume>> make_host_volume(const std::filesystem::path &directory,
                                                     HostVolumeOptions options = {});

}  // namespace ntemu::fs
