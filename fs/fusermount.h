// fusermount3, which mounts and unmounts for users that may not.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "fs/beneath.h"

namespace ntemu::fs {

// What it has to say when it refuses.
std::optional<std::string> fusermount_mount(const std::filesystem::path &directory, bool allow_other, Fd &connection);
bool fusermount_unmount(const std::filesystem::path &directory, bool lazily);

}  // namespace ntemu::fs
