// The directories that running machines occupy: each is locked, and the lock ends with the process, however that ends.
#pragma once

#include <filesystem>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

// The lock of `directory` as a descriptor that is to be kept open.
Outcome<int> occupy(const std::filesystem::path &directory);

// Makes `directory`, and those above it.
std::optional<Error> make_machine_directory(const std::filesystem::path &directory);

struct TemporaryPlace {
  std::filesystem::path directory;
  int lock;
};
// A new directory for a machine in memory; removes those of machines whose processes were killed.
Outcome<TemporaryPlace> occupy_temporary();

}  // namespace ntemu::machine
