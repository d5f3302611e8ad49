// The failures that the verifier makes verified drivers meet: at random, as on a machine that runs short of memory
// (kLowResources), and once for each call stack (kSystematicFaults).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ntifs.h"

namespace ntemu::vf {

// Source: the parameters of verifier.exe /faults.
struct LowResources {
  uint32_t probability = 600;     // of 10,000 calls that could fail
  std::vector<std::string> tags;  // of pool, up to 4 characters or with * at the end; none: calls without a tag, too
  uint32_t delay_minutes = 7;     // since boot, before the first failure
  std::optional<uint64_t> seed;   // the same seed fails the same calls of a single thread; none: taken at random
};
// Replaces what was in force. The seed is logged.
void start_low_resources(const LowResources &settings);
void stop_low_resources();

// Stacks that have failed are kept in `file`, one a line, written before the call returns: what a driver did not
// survive is not tried again in the next run. An empty path keeps them for this run alone. Injects at once.
// STATUS_OBJECT_PATH_NOT_FOUND: the file can be neither read nor made.
NTSTATUS start_systematic_faults(const std::filesystem::path &file);
void stop_systematic_faults();
// While suspended nothing fails and no stack is remembered.
void suspend_systematic_faults();
void resume_systematic_faults();
// Forgets the stacks, in the file too: every one will fail again.
NTSTATUS reset_systematic_faults();
// That stack is left alone from now on.
void exclude_stack(uint64_t stack);

struct FailedStack {
  uint64_t stack;
  std::string api;
};

struct InjectionStatus {
  bool low_resources = false;
  LowResources settings;    // with the seed in force
  uint64_t calls = 0;       // of verified drivers that could have failed since start_low_resources, after the delay
  uint64_t failed = 0;      // of these
  bool systematic = false;  // started
  bool suspended = false;
  std::vector<FailedStack> stacks;  // in the order in which they failed, those of earlier runs first
  uint64_t failed_now = 0;          // of these in this run
};
InjectionStatus query_injection();

}  // namespace ntemu::vf
