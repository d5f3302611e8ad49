// The commands that look into the kernel's objects; a file's table is a row of inspection_commands.
#pragma once

#include "tools/kd/commands.h"

namespace ntemu::debug {

std::span<const Command> control_commands();
std::span<const Command> lock_commands();
std::span<const Command> namespace_commands();
std::span<const Command> object_commands();
std::span<const Command> pool_commands();
std::span<const Command> mex_process_commands();
std::span<const Command> processor_commands();
std::span<const Command> stop_commands();
std::span<const Command> mex_thread_commands();
std::span<const Command> verifier_commands();

}  // namespace ntemu::debug
