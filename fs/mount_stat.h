// A file's metadata as Linux programs see it.
#pragma once

#include <sys/stat.h>

#include "ntemu/io/file_system.h"

namespace ntemu::fs {

// Times before 1970 have a negative second and a positive fraction.
timespec linux_time(base::Nt100ns time);
base::Nt100ns nt_time(const timespec &time);

struct stat linux_stat(const io::FileStat &file, uint64_t shown);
// The mount's root, and a device's entry.
struct stat root_stat();
struct stat device_stat(uint64_t shown);

}  // namespace ntemu::fs
