// The commands that look into the kernel's objects; a file's table is a row of inspection_commands.
#pragma once

#include "tools/kd/commands.h"

namespace ntemu::debug {

std::span<const Command> mex_thread_commands();
std::span<const Command> mex_process_commands();

}  // namespace ntemu::debug
