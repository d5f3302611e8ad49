// A volume on a directory of the host.
#pragma once

#include <string>

#include "ntemu/base/result.h"
#include "ntemu/io/file_system.h"

namespace ntemu::fs {

struct HostVolumeOptions {
  // Never use openat2, as if the kernel or a container's filter had none.
  bool walk_paths = false;
};

// `directory` must exist. STATUS_OBJECT_NAME_NOT_FOUND, STATUS_NOT_A_DIRECTORY, STATUS_ACCESS_DENIED.
Result<std::unique_ptr<io::Volume>> open_host_volume(const std::string &directory, HostVolumeOptions options = {});

}  // namespace ntemu::fs
