// The lines of the report: what is measured against what, and how.
#pragma once

#include <benchmark/benchmark.h>

#include <string_view>

#include "tests/bench/locks/crew.h"
#include "tests/bench/locks/lock_bench.h"
#include "tests/bench/locks/yardsticks.h"

namespace ntemu::bench {

struct Line {
  const char *name;
  const char *operation;  // of the driver
  const Yardstick *yardstick;
  double target;  // the ratio that must not be exceeded; 0: only told
  // Where two threads work on one set of objects: what the second does.
  const char *partner = nullptr;
  const Yardstick *yardstick_partner = nullptr;
};

struct Bench {
  Crew &crew;
  const LOCK_BENCH_OPERATION *operations;
  std::vector<int> cores;
  double nanoseconds;  // that one repetition of one side takes, about

  const LOCK_BENCH_OPERATION &operation(std::string_view name) const;
};

// One iteration is one repetition of the NT side and then one of the yardstick, so that what else the host does hits
// both. `cores` has one or, with a partner, two.
void compare(benchmark::State &state, const Bench &bench, const Line &line, std::span<const int> cores);

// The throughput of `count` threads (or pairs), each on objects of its own, relative to that of one. One iteration
// measures one and then `count`, on either side.
void scale(benchmark::State &state, const Bench &bench, const Line &line, unsigned count);

}  // namespace ntemu::bench
