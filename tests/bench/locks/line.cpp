#include "tests/bench/locks/line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace ntemu::bench {
namespace {

using Loop = std::function<void(unsigned index, uint64_t count)>;

// One side of a comparison: its threads, and what one repetition of them took.
class Side {
 public:
  Side(const Bench &bench, std::span<const int> cores, Loop loop)
      : bench_(bench), cores_(cores), loop_(std::move(loop)) {}

  // Finds the number of rounds that takes about as long as a repetition should.
  void calibrate() {
    for (count_ = 16;; count_ *= 2) {
      const double taken = std::min({run(count_), run(count_), run(count_)});
      if (taken < bench_.nanoseconds / 4) continue;
      const double wanted = static_cast<double>(count_) * bench_.nanoseconds / taken;
      count_ = std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
      return;
    }
  }
  void take_count_of(const Side &other) { count_ = other.count_; }
  // Nanoseconds.
  double measure() {
    run(count_ / 16 + 1);  // warms the caches
    const double taken = run(count_);
    results_.push_back(taken / static_cast<double>(count_));
    return taken;
  }
  // Nanoseconds per round.
  double least() const { return *std::min_element(results_.begin(), results_.end()); }
  double median() const {
    auto sorted = results_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

 private:
  double run(uint64_t count) {
    return bench_.crew.run(cores_, [&](unsigned index) { loop_(index, count); });
  }

  const Bench &bench_;
  const std::span<const int> cores_;
  const Loop loop_;
  uint64_t count_ = 0;
  std::vector<double> results_;
};

// What thread `index` does on the two sides.
Loop nt_loop(const Bench &bench, const Line &line) {
  const auto *first = &bench.operation(line.operation);
  if (!line.partner) return [first](unsigned index, uint64_t count) { first->Loop(index, count); };
  const auto *second = &bench.operation(line.partner);
  return [=](unsigned index, uint64_t count) { (index % 2 ? second : first)->Loop(index / 2, count); };
}

Loop yardstick_loop(const Line &line) {
  if (!line.partner) return line.yardstick->loop;
  return [&line](unsigned index, uint64_t count) {
    (index % 2 ? line.yardstick_partner : line.yardstick)->loop(index / 2, count);
  };
}

// The objects of a line, while it is measured.
class Objects {
 public:
  Objects(const Bench &bench, const Line &line, unsigned count)
      : operation_(bench.operation(line.operation)), count_(count) {
    for (unsigned i = 0; i < count; ++i) {
      operation_.Prepare(i);
      line.yardstick->prepare(i);
    }
  }
  ~Objects() {
    if (!operation_.Finish) return;
    for (unsigned i = 0; i < count_; ++i) operation_.Finish(i);
  }
  Objects(const Objects &) = delete;
  Objects &operator=(const Objects &) = delete;

 private:
  const LOCK_BENCH_OPERATION &operation_;
  const unsigned count_;
};

const char *verdict(double target, double by_least, double by_median) {
  if (target == 0) return "";
  const bool least_passes = by_least <= target, median_passes = by_median <= target;
  return least_passes != median_passes ? "unclear" : least_passes ? "PASS" : "miss";
}

}  // namespace

const LOCK_BENCH_OPERATION &Bench::operation(std::string_view name) const {
  for (const LOCK_BENCH_OPERATION *at = operations; at->Name; ++at) {
    if (at->Name == name) return *at;
  }
  std::abort();
}

void compare(benchmark::State &state, const Bench &bench, const Line &line, std::span<const int> cores) {
  const Objects objects(bench, line, 1);
  Side nt(bench, cores, nt_loop(bench, line)), yardstick(bench, cores, yardstick_loop(line));
  nt.calibrate();
  yardstick.calibrate();
  for (auto _ : state) {
    state.SetIterationTime(nt.measure() * 1e-9);
    yardstick.measure();
  }
  const double by_least = nt.least() / yardstick.least(), by_median = nt.median() / yardstick.median();
  state.counters["nt_min"] = nt.least();
  state.counters["nt_median"] = nt.median();
  state.counters["yardstick_min"] = yardstick.least();
  state.counters["yardstick_median"] = yardstick.median();
  state.counters["ratio_min"] = by_least;
  state.counters["ratio_median"] = by_median;
  state.counters["target"] = line.target;
  state.SetLabel(fmt::format("{}: {}", line.yardstick->name, verdict(line.target, by_least, by_median)));
}

void scale(benchmark::State &state, const Bench &bench, const Line &line, unsigned count) {
  const Objects objects(bench, line, count);
  const unsigned members = line.partner ? 2 : 1;
  std::vector<int> cores;
  for (unsigned i = 0; i < count * members; ++i) cores.push_back(bench.cores[i / members % bench.cores.size()]);
  const std::span<const int> one(cores.data(), members);
  Side sides[2][2] = {{{bench, one, nt_loop(bench, line)}, {bench, cores, nt_loop(bench, line)}},
                      {{bench, one, yardstick_loop(line)}, {bench, cores, yardstick_loop(line)}}};
  for (auto &side : sides) {
    side[0].calibrate();
    side[1].take_count_of(side[0]);
  }
  for (auto _ : state) {
    double taken = 0;
    for (auto &side : sides) {
      for (Side &threads : side) taken += threads.measure();
    }
    state.SetIterationTime(taken * 1e-9);
  }
  double scaling[2];
  for (int i = 0; i < 2; ++i) scaling[i] = count * sides[i][0].least() / sides[i][1].least();
  const double ideal = static_cast<double>(std::min<size_t>(count, bench.cores.size()));
  state.counters["nt_min"] = sides[0][1].least();
  state.counters["yardstick_min"] = sides[1][1].least();
  state.counters["nt_scaling"] = scaling[0];
  state.counters["yardstick_scaling"] = scaling[1];
  state.counters["ideal_scaling"] = ideal;
  state.SetLabel(fmt::format("{}: {}", line.yardstick->name, scaling[0] >= 0.9 * ideal ? "PASS" : "miss"));
}

}  // namespace ntemu::bench
