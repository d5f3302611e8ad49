// What has to go from the host's file system when the process ends, in whatever way it does.
#pragma once

#include <filesystem>

namespace ntemu::machine {

// `path` and what is below it are removed by exit_now, unless keep() was called since.
void remove_at_exit(const std::filesystem::path &path);
void keep(const std::filesystem::path &path);
// Does that now, for a process that ends in another way.
void remove_all();
// Ends the process without touching the machine's memory: threads that cannot be ended may still use it.
[[noreturn]] void exit_now(int code);

}  // namespace ntemu::machine
