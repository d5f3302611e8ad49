#include "ntemu/include/ntemu/testing/faults.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <stdexcept>

#include "ntemu/include/ntemu/testing/matchers.h"
#include "ntemu/machine/source_line.h"
#include "ntemu/testing/child.h"
#include "ntemu/testing/report.h"
#include "ntemu/vf/fault.h"

namespace ntemu::testing {
namespace {

vf::FaultRule rule_of(const Fault &fault) {
  vf::FaultRule rule;
  rule.api = fault.api;
  rule.tag = fault.tag;
  rule.stack = fault.stack;
  rule.skip = fault.skip;
  rule.times = fault.times;
  if (fault.status) rule.result = *fault.status;
  return rule;
}

void require(const Fault &fault) {
  switch (vf::add_fault(rule_of(fault))) {
    case STATUS_SUCCESS:
      return;
    case STATUS_NOT_FOUND:
      throw std::invalid_argument(fmt::format("'{}' is not an API that ntemu implements", fault.api));
    default:
      throw std::invalid_argument(
          fmt::format("{} has no way to fail for want of resources: say which status it is to return", fault.api));
  }
}

constexpr char kSeparator = '\x1f';

// One line: what a child tells its parent of a point.
std::string write_point(const vf::FaultPoint &point) {
  std::string line = fmt::format("{}{}{}", point.api, kSeparator, point.stack);
  for (const void *frame : point.frames) line += kSeparator + machine::describe_line(frame);
  return line;
}

FaultPoint read_point(const std::string &line) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(kSeparator, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  FaultPoint point{fields.at(0), std::stoull(fields.at(1)), {}};
  point.frames.assign(fields.begin() + 2, fields.end());
  return point;
}

std::string describe(const FaultPoint &point) {
  std::string text = fmt::format("{} at {}", point.api, point.frames.empty() ? "?" : point.frames[0]);
  for (size_t i = 1; i < point.frames.size(); ++i) text += fmt::format("\n    called from {}", point.frames[i]);
  return text;
}

struct Run {
  std::vector<FaultPoint> points;
  ChildResult result;
};

using Known = std::set<std::pair<std::string, uint64_t>>;

// Tells the points that are not known: to find the lines of one takes its time.
Run run(const std::function<void()> &scenario, const FaultPoint *failing, const Known &known,
        std::chrono::seconds patience) {
  Run run;
  run.result = run_in_child(
      [&](const std::function<void(const std::string &)> &tell) {
        vf::record_fault_points();
        if (failing) {
          Fault fault;
          fault.api = failing->api;
          fault.stack = failing->stack;
          require(fault);
        }
        scenario();
        for (const vf::FaultPoint &point : vf::take_fault_points()) {
          if (!known.contains({point.api, point.stack})) tell(write_point(point));
        }
      },
      patience);
  for (const std::string &line : run.result.told) run.points.push_back(read_point(line));
  return run;
}

}  // namespace

Faults::Faults() { vf::clear_faults(); }
Faults::~Faults() { vf::clear_faults(); }
void Faults::fail(const Fault &fault) { require(fault); }
uint32_t Faults::count() const { return vf::faults_injected(); }

FaultSweepResult SweepFaults(const std::function<void()> &scenario, const FaultSweepOptions &options) {
  FaultSweepResult result;
  Known known;
  std::deque<FaultPoint> left;
  const auto add = [&](const std::vector<FaultPoint> &points) {
    for (const FaultPoint &point : points) {
      if (options.only && !options.only(point)) continue;
      if (known.insert({point.api, point.stack}).second) left.push_back(point);
    }
  };
  const Run plain = run(scenario, nullptr, known, options.patience);
  if (!plain.result.problem.empty())
    result.findings.push_back({{"nothing", 0, {"without any fault"}}, plain.result.problem, plain.result.output});
  add(plain.points);
  while (!left.empty()) {
    const FaultPoint point = left.front();
    left.pop_front();
    const Run swept = run(scenario, &point, known, options.patience);
    result.points.push_back(point);
    if (!swept.result.problem.empty()) result.findings.push_back({point, swept.result.problem, swept.result.output});
    add(swept.points);
  }
  return result;
}

void FaultSweep(const std::function<void()> &scenario, const FaultSweepOptions &options) {
  const FaultSweepResult result = SweepFaults(scenario, options);
  for (const FaultFinding &finding : result.findings) {
    FAIL_TEST() << "With a failing " << describe(finding.point) << "\nthe driver's test " << finding.what << ":\n"
                << finding.text;
  }
  if (result.points.empty()) FAIL_TEST() << "FaultSweep found no call that could fail: did the driver run?";
  std::printf("FaultSweep: %zu calls failed one by one, %zu findings\n", result.points.size(), result.findings.size());
}

}  // namespace ntemu::testing
