// What a client learns of a machine that may end in the middle of a request.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "ntemu/machine/control.h"
#include "ntemu/machine/process_end.h"

namespace ntemu::machine {

class WatchEnd {
 public:
  // Asks the machine which processes it has, and where it keeps its record: before the request that may end it.
  explicit WatchEnd(ControlClient &client);
  // After the machine did not answer: waits until its processes have ended, and its directory is free for the next
  // boot. The record of last_stop.h, if it left one.
  std::optional<nlohmann::json> await();

 private:
  int machine_ = 0;
  std::filesystem::path directory_;
  std::optional<ProcessEnd> machine_end_, supervisor_end_;
};

}  // namespace ntemu::machine
