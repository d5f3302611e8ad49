// Runs the compiler: fork and exec, no shell.
#pragma once

#include <string>
#include <vector>

namespace ntemu::ntcc {

using Arguments = std::vector<std::string>;

struct RunResult {
  int exit_code = 0;   // as a shell would show it: 127 when the program cannot be executed, 128 + n after signal n
  std::string output;  // what was captured
};

enum class Capture { kNothing, kOutput, kErrors };

// Runs arguments[0] (searched for in PATH) and waits for it. Its messages are in English whenever they are captured.
RunResult run(const Arguments &arguments, Capture capture);

// The command as one line that a shell would accept.
std::string shell_line(const Arguments &arguments);

}  // namespace ntemu::ntcc
