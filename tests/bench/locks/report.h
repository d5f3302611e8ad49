// The table of bench_locks.
#pragma once

#include <benchmark/benchmark.h>

namespace ntemu::bench {

class Report : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context &context) override;
  void ReportRuns(const std::vector<Run> &runs) override;

 private:
  enum class Table { kNone, kComparison, kScaling };
  Table table_ = Table::kNone;
};

}  // namespace ntemu::bench
