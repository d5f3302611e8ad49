// Fault injection: calls of the kernel's API that fail although nothing is wrong, to run a driver's error paths.
//
//   Faults faults;
//   faults.fail({.api = "IoCreateSymbolicLink"});
//   EXPECT_THAT(machine.load("mydriver"), NtFailsWith(STATUS_INSUFFICIENT_RESOURCES));
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntifs.h"

namespace ntemu::testing {

// Which calls fail: those that meet all that is given. Calls of the kernel itself do not count, nor those of the kit.
struct Fault {
  std::string api = {};                 // empty: every API that can run short of something
  std::optional<uint32_t> tag = {};     // of pool, as the driver writes it: 'gaTM'
  uint64_t stack = 0;                   // FaultPoint::stack: this call stack of the driver; 0: any
  uint32_t skip = 0;                    // so many succeed before the first that fails
  uint32_t times = 1;                   // how many fail then; 0: all
  std::optional<NTSTATUS> status = {};  // what a failing call returns; STATUS_INSUFFICIENT_RESOURCES or a null pointer
};

// The faults hold until it is destroyed. One at a time.
class Faults {
 public:
  Faults();
  ~Faults();
  Faults(const Faults &) = delete;
  Faults &operator=(const Faults &) = delete;
  // Throws std::invalid_argument for an API that is not there, or that has no way to fail unless `status` gives one.
  void fail(const Fault &fault);
  // Calls that failed so far.
  uint32_t count() const;
};

// The first line of a report on a call that could fail: "IoCreateDevice at hello.c:24 (hello!DriverEntry)".
struct FaultPoint {
  std::string api;
  uint64_t stack = 0;
  std::vector<std::string> frames;  // file, line and function, innermost first
};

struct FaultFinding {
  FaultPoint point;
  std::string what;  // "bugchecked", "crashed (...)", "hung" or "failed"
  std::string text;  // what the run printed
};

struct FaultSweepOptions {
  std::chrono::seconds patience{20};                  // for one run
  std::function<bool(const FaultPoint &)> only = {};  // which calls to fail; all by default
};

struct FaultSweepResult {
  std::vector<FaultPoint> points;  // each was failed once
  std::vector<FaultFinding> findings;
};

// Runs `scenario` in processes of its own: once as it is, to find every call stack of the driver on which an API can
// fail, then once for each of them with just that call failing; stacks that show only then are swept too. A scenario
// makes its own Machine, so that leaks fail it; it is to take a failing driver as it comes, without asserting success.
// What crashes (also in a bugcheck or by a sanitizer), hangs, or fails an assertion is a finding.
FaultSweepResult SweepFaults(const std::function<void()> &scenario, const FaultSweepOptions &options = {});

// The same as a test: fails for each finding, with the line of the call that had failed; prints how many calls were
// swept.
void FaultSweep(const std::function<void()> &scenario, const FaultSweepOptions &options = {});

}  // namespace ntemu::testing
