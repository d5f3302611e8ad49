// What is mounted where, as the kernel lists it: without touching mounts that nobody answers for any more.
#pragma once

#include <filesystem>

namespace ntemu::fs {

inline constexpr char kMountType[] = "fuse.ntemu";

// Absolute and without links, but for the last name, which may be a mount that cannot be looked at.
std::filesystem::path absolute_mount_point(const std::filesystem::path &directory);
// Whether a mount of \DosDevices, by whatever process, is there.
bool is_mount_of_ours(const std::filesystem::path &mount_point);

}  // namespace ntemu::fs
