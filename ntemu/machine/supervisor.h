// The small process beside each machine: it waits for the machine's end, however that comes, and cleans up after it.
#pragma once

#include <filesystem>
#include <functional>

namespace ntemu::machine {

// What shows \DosDevices below a machine's directory.
inline constexpr const char *kMountName = "DosDevices";

// Removes what a machine that has ended may have left: the mount, the socket and the link to it, the drivers'
// private copies. For whoever has the lock of the directory.
void clean_up(const std::filesystem::path &directory);

// Forks. The child becomes the machine and exits with what `machine` returns; it is told to end in order when this
// process dies. This process passes signals on to it, cleans up after its end, notes how it ended in debug.log, and
// returns its exit code, 128 and the number for a signal. `forked` runs here once there is a child. Has to be called
// with the lock of the directory, and before the process has a second thread.
int supervise(
    const std::filesystem::path &directory, const std::function<int()> &machine,
    const std::function<void()> &forked = [] {});

}  // namespace ntemu::machine
