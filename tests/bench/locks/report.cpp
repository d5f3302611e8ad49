#include "tests/bench/locks/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace ntemu::bench {

bool Report::ReportContext(const Context &context) {
  double load = 0;
  if (getloadavg(&load, 1) != 1) load = 0;
  fmt::print("{} processors, load {:.1f}. Nanoseconds per round; * = least and median of all repetitions.\n",
             context.cpu_info.num_cpus, load);
  return true;
}

void Report::ReportRuns(const std::vector<Run> &runs) {
  for (const Run &run : runs) {
    const std::string &name = run.run_name.function_name;
    const size_t colon = run.report_label.find(": ");
    if (run.error_occurred || colon == std::string::npos) {
      fmt::print("{:<32}{}\n", name, run.error_message);
      continue;
    }
    const std::string yardstick = run.report_label.substr(0, colon), verdict = run.report_label.substr(colon + 2);
    const auto value = [&](const char *counter) { return run.counters.at(counter).value; };
    const Table table = run.counters.count("nt_scaling") ? Table::kScaling : Table::kComparison;
    const bool new_table = std::exchange(table_, table) != table;
    if (table == Table::kComparison) {
      if (new_table)
        fmt::print("\n{:<32}{:>17}  {:<24}{:>17}{:>15}{:>8}\n", "", "NT*", "yardstick", "yardstick*", "ratio*",
                   "target");
      const std::string target = value("target") > 0 ? fmt::format("{:.2f}", value("target")) : "-";
      fmt::print("{:<32}{:>8.1f} {:>8.1f}  {:<24}{:>8.1f} {:>8.1f}{:>8.2f} {:>6.2f}{:>8}  {}\n", name, value("nt_min"),
                 value("nt_median"), yardstick, value("yardstick_min"), value("yardstick_median"), value("ratio_min"),
                 value("ratio_median"), target, verdict);
    } else {
      if (new_table)
        fmt::print("\n{:<32}{:>17}  {:<24}{:>17}{:>15}\n", "throughput relative to one", "NT", "yardstick",
                   "its throughput", "linear");
      fmt::print("{:<32}{:>17.2f}  {:<24}{:>17.2f}{:>15.0f}{:>8}  {}\n", name, value("nt_scaling"), yardstick,
                 value("yardstick_scaling"), value("ideal_scaling"), "90%", verdict);
    }
  }
  std::fflush(stdout);
}

}  // namespace ntemu::bench
