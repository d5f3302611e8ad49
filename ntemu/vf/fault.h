// Fault injection: calls of the kernel's API from drivers and tests that fail although nothing is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntifs.h"

namespace ntemu::vf {

// How an API that can run short of something fails.
struct Failure {
  std::string_view api;
  int64_t result;         // a status, or 0 for a null pointer
  int tag_argument = -1;  // which argument is a pool tag
};
const Failure *find_failure(std::string_view api);
const std::vector<Failure> &failures();

// A call fails when it meets all that is given.
struct FaultRule {
  std::string api;                // empty: every API in failures()
  std::optional<uint32_t> tag;    // of the pool that is asked for; a call without a tag does not meet it
  uint64_t stack = 0;             // hash_stack of the driver's part of the stack; 0: any
  uint32_t skip = 0;              // so many calls that meet the rest still succeed
  uint32_t times = 1;             // so many fail then; 0: all
  std::optional<int64_t> result;  // what it returns instead of its Failure's; needed for an API that has none
};

// Rules hold until they are removed. STATUS_NOT_FOUND: there is no such API; STATUS_NOT_SUPPORTED: it has no Failure
// and the rule no result.
NTSTATUS add_fault(const FaultRule &rule);
void clear_faults();
// Calls that have failed since clear_faults.
uint32_t faults_injected();

// A call that could have failed: one for each API and stack.
struct FaultPoint {
  std::string api;
  uint64_t stack;
  std::vector<const void *> frames;
};
// From now on every such call is remembered, once, until take_fault_points.
void record_fault_points();
std::vector<FaultPoint> take_fault_points();

}  // namespace ntemu::vf
