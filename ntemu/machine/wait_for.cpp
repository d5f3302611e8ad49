#include "ntemu/machine/wait_for.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "ntemu/machine/rest.h"

namespace ntemu::machine {

Condition Condition::from_json(const nlohmann::json &arguments) {
  Condition condition;
  if (const auto threads = arguments.find("threads"); threads != arguments.end())
    condition.threads = threads->get<size_t>();
  condition.reason = arguments.value("reason", "");
  condition.start = arguments.value("start", "");
  return condition;
}

nlohmann::json Condition::to_json() const {
  nlohmann::json arguments{{"reason", reason}, {"start", start}};
  if (threads) arguments["threads"] = *threads;
  return arguments;
}

bool holds(const Condition &condition, const std::vector<ThreadView> &threads) {
  size_t matching = 0;
  for (const ThreadView &thread : threads) {
    if (thread.kernel || !thread.waiting) continue;
    if (!condition.reason.empty() && thread.wait_reason != condition.reason) continue;
    if (!condition.start.empty() && thread.start.find(condition.start) == std::string::npos) continue;
    ++matching;
  }
  return matching >= condition.threads.value_or(1);
}

bool wait_for(Machine &machine, const Condition &condition, double timeout, const std::atomic<bool> &stopping) {
  std::optional<std::chrono::nanoseconds> limit;
  if (timeout >= 0) limit = std::chrono::nanoseconds(static_cast<int64_t>(std::min(timeout, 1e9) * 1e9));
  return wait_until(
      [&] { return condition.is_rest() ? machine.rest() != Rest::kRunning : holds(condition, threads()); }, limit,
      stopping);
}

}  // namespace ntemu::machine
