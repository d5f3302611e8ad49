// A piece of a test in a process of its own, so that it may crash or hang.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace ntemu::testing {

struct ChildResult {
  std::vector<std::string> told;  // lines
  std::string problem;            // "bugchecked", "crashed (...)", "hung" or "failed"; empty: it passed
  std::string output;             // of standard output and error
};

using Tell = std::function<void(const std::string &line)>;
// No machine may run in the calling process. Failures of GoogleTest's assertions in the child count as "failed".
ChildResult run_in_child(const std::function<void(const Tell &tell)> &body, std::chrono::seconds patience);

}  // namespace ntemu::testing
