// What 'ntemu wait' can wait for.
#pragma once

#include <atomic>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "ntemu/include/ntemu/machine.h"
#include "ntemu/machine/inspect.h"

namespace ntemu::machine {

// At least `threads` of the drivers' threads wait, each for `reason` and starting at a routine named like `start`.
// Without any of these: the drivers have come to rest.
struct Condition {
  std::optional<size_t> threads;
  std::string reason;
  std::string start;
  bool is_rest() const { return !threads && reason.empty() && start.empty(); }
  static Condition from_json(const nlohmann::json &arguments);
  nlohmann::json to_json() const;
};

bool holds(const Condition &condition, const std::vector<ThreadView> &threads);
// False when `timeout` (seconds; negative: never) ran out or `stopping` was set and ke::note_rest called.
bool wait_for(Machine &machine, const Condition &condition, double timeout, const std::atomic<bool> &stopping);

}  // namespace ntemu::machine
