// Times the kernel's locks as a driver calls them, each side by side with a yardstick of the host's.
//
//   bench_locks [--filter REGEX] [--repetitions N] [--milliseconds N] [--verify FLAGS] [--json]
//
// Both sides run in turn on the same system threads. A line passes when the ratio of the least times and that of the
// medians both keep to the target; when only one does, the line is "unclear": the host was busy with something else.
#include <dlfcn.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <regex>

#include "ntemu/include/ntemu/machine.h"
#include "ntemu/ldr/image.h"
#include "ntemu/vf/verified.h"
#include "tests/bench/locks/line.h"
#include "tests/bench/locks/report.h"

using namespace ntemu;
using namespace ntemu::bench;

namespace {

constexpr Line kAlone[] = {
    {"fast_mutex", "FastMutex", &kPthreadMutex, 1.1},
    {"kmutex", "Mutex", &kRecursivePthreadMutex, 1.0},
    {"push_lock_exclusive", "PushLockExclusive", &kPthreadRwlockWrite, 1.0},
    {"push_lock_exclusive_in_region", "PushLockExclusiveInRegion", &kPthreadRwlockWrite, 0},
    {"push_lock_shared", "PushLockShared", &kPthreadRwlockRead, 1.0},
    {"push_lock_shared_in_region", "PushLockSharedInRegion", &kPthreadRwlockRead, 0},
    {"resource_shared", "ResourceShared", &kPthreadRwlockRead, 1.5},
    {"resource_shared_in_region", "ResourceSharedInRegion", &kPthreadRwlockRead, 1.5},
    {"event_set_clear", "EventSetClear", &kExchangePair, 2.5},
    {"spin_lock", "SpinLock", &kPthreadSpinlock, 2.0},
    {"event_wait_signalled", "EventWait", &kSemTrywait, 1.5},
    {"semaphore_wait_release", "SemaphoreWaitRelease", &kSemTrywaitPost, 1.5},
};
constexpr Line kHandOver[] = {
    {"hand_over_one_core", "Ping", &kFutexPing, 1.15, "Pong", &kFutexPong},
    {"hand_over_two_cores", "Ping", &kFutexPing, 1.15, "Pong", &kFutexPong},
};
constexpr Line kScaling[] = {
    {"scaling_kmutex", "Mutex", &kRecursivePthreadMutex, 0},
    {"scaling_fast_mutex", "FastMutex", &kPthreadMutex, 0},
    {"scaling_hand_over", "Ping", &kFutexPing, 0, "Pong", &kFutexPong},
};

const ldr::Image *newest_image() {
  const auto *entry = reinterpret_cast<const KLDR_DATA_TABLE_ENTRY *>(PsLoadedModuleList.Blink);
  return ldr::find_image(entry->DllBase);
}

// The exported table of the driver that was loaded last.
const LOCK_BENCH_OPERATION *newest_operations() {
  const ldr::Image *image = newest_image();
  return static_cast<const LOCK_BENCH_OPERATION *>(dlsym(image->handle, "LockBenchOperations"));
}

// How many lines there are to measure.
int register_lines(const Bench &bench, const std::regex &filter, int64_t repetitions) {
  int lines = 0;
  const auto add = [&](const std::string &name, auto measure) {
    if (!std::regex_search(name, filter)) return;
    ++lines;
    benchmark::RegisterBenchmark(name.c_str(), measure)->Iterations(repetitions)->UseManualTime();
  };
  const int last = bench.cores.back(), first = bench.cores.front();
  for (const Line &line : kAlone) {
    add(line.name, [=, &bench, &line](auto &state) { compare(state, bench, line, std::array{last}); });
  }
  add(kHandOver[0].name, [=, &bench](auto &state) { compare(state, bench, kHandOver[0], std::array{last, last}); });
  add(kHandOver[1].name, [=, &bench](auto &state) {
    if (first == last) return state.SkipWithError("skipped: there is one processor");
    compare(state, bench, kHandOver[1], std::array{first, last});
  });
  for (const Line &line : kScaling) {
    for (const unsigned count : {1u, 2u, 4u, 8u})
      add(line.name + ("_" + std::to_string(count)),
          [=, &bench, &line](auto &state) { scale(state, bench, line, count); });
  }
  return lines;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("The kernel's locks beside the host's");
  std::string filter;
  int64_t repetitions = 31;
  double milliseconds = 1;
  bool json = false;
  std::optional<ULONG> verify;
  app.add_option("--filter", filter, "only the lines that this regular expression matches");
  app.add_option("--repetitions", repetitions, "of each side")->check(CLI::Range(1, 100000));
  app.add_option("--milliseconds", milliseconds, "that one repetition takes, about")->check(CLI::Range(0.001, 10000.0));
  app.add_option("--verify", verify, "verify the driver with these flags of Driver Verifier");
  app.add_flag("--json", json, "Google Benchmark's JSON");
  CLI11_PARSE(app, argc, argv);

  auto machine = Machine::boot({});
  if (!machine) {
    std::fprintf(stderr, "bench_locks: %s\n", machine.error().text.c_str());
    return 1;
  }
  if (const auto driver = (*machine)->load(DRIVERS "/lock_bench.sys"); !driver) {
    std::fprintf(stderr, "bench_locks: %s\n", driver.error().text.c_str());
    return 1;
  }
  if (verify) {
    const ldr::Image *image = newest_image();
    vf::verify_image(image->entry.DllBase, image->entry.SizeOfImage, *verify);
  }
  {
    Crew crew(2 * LOCK_BENCH_SLOTS);
    const Bench bench{crew, newest_operations(), usable_cores(), milliseconds * 1e6};
    if (register_lines(bench, std::regex(filter), repetitions) == 0) {
      std::fprintf(stderr, "bench_locks: no line matches %s\n", filter.c_str());
      return 1;
    }
    Report report;
    benchmark::JSONReporter json_report;
    benchmark::BenchmarkReporter &reporter = json ? static_cast<benchmark::BenchmarkReporter &>(json_report) : report;
    benchmark::RunSpecifiedBenchmarks(&reporter, ".");
    benchmark::ClearRegisteredBenchmarks();
  }
  return (*machine)->shut_down() ? 0 : 1;
}
