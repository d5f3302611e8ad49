#include "ntemu/machine/watch_end.h"

#include "ntemu/machine/last_stop.h"

namespace ntemu::machine {

using nlohmann::json;

WatchEnd::WatchEnd(ControlClient &client) {
  const auto status = client.exchange("status", json::object());
  if (!status) return;
  const auto number = [&](const char *key) {
    const auto found = status->find(key);
    return found != status->end() && found->is_number_integer() ? found->get<int>() : 0;
  };
  machine_ = number("pid");
  directory_ = status->value("directory", "");
  if (machine_ > 0) machine_end_.emplace(machine_);
  if (const int supervisor = number("supervisor"); supervisor > 0) supervisor_end_.emplace(supervisor);
}

std::optional<json> WatchEnd::await() {
  if (machine_end_) machine_end_->await();
  if (supervisor_end_) supervisor_end_->await();
  if (directory_.empty()) return std::nullopt;
  auto record = read_last_stop(directory_);
  if (!record || record->value("process", 0) != machine_) return std::nullopt;
  return record;
}

}  // namespace ntemu::machine
