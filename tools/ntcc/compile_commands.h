// compile_commands.json, so that clangd understands a driver.
#pragma once

#include <string>

#include "tools/ntcc/process.h"

namespace ntemu::ntcc {

// Adds the compilation of `source`, or replaces the entry that it has for the same output. Safe against concurrent
// runs. Throws UsageError when the file cannot be written or is not such a file.
void record_compilation(const std::string &file, const std::string &source, const std::string &output,
                        const Arguments &command);

}  // namespace ntemu::ntcc
