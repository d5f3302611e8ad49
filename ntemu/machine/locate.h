// Which machine a command means when it does not say, and how it gets there.
#pragma once

#include <filesystem>

#include "ntemu/machine/control.h"

namespace ntemu::machine {

// $NTEMU_MACHINE, else ntemu/machine in $XDG_STATE_HOME (where that is an absolute path), else in ~/.local/state.
std::filesystem::path default_machine_directory();
// `directory` as an absolute path; the default one when it is empty.
std::filesystem::path machine_directory(const std::filesystem::path &directory);

// A client of the machine in `directory` (empty: the default one). When none runs, one is booted by the ntemu beside
// this program's own file, which is said on standard error; what that program has to say goes there too.
Outcome<ControlClient> connect_or_boot(const std::filesystem::path &directory);

}  // namespace ntemu::machine
