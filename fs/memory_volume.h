// A volume that lives in memory: for unit tests and for machines that leave nothing behind.
#pragma once

#include "ntemu/io/file_system.h"

namespace ntemu::fs {

// `capacity`: bytes of file data at most, after which STATUS_DISK_FULL.
std::unique_ptr<io::Volume> create_memory_volume(LONGLONG capacity = LONGLONG{1} << 40);

}  // namespace ntemu::fs
