// ntemu deadlocks: who waits for whom for ever in a running machine.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ntemu/machine/control.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;

void print_reports(const json &reports) {
  for (const json &report : reports) {
    for (const json &line : report["text"]) fmt::print("{}\n", line.get<std::string>());
  }
}

}  // namespace

int deadlocks(const DeadlockOptions &options) {
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client) return fail(client.error());
  auto reply = client->call("deadlocks", json::object());
  if (!reply) return fail(reply.error());
  if (options.dot) {
    fmt::print("{}", (*reply)["dot"].get<std::string>());
  } else if (options.json) {
    std::puts(reply->dump(2).c_str());
  } else {
    print_reports((*reply)["cycles"]);
    print_reports((*reply)["inversions"]);
    if ((*reply)["cycles"].empty() && (*reply)["inversions"].empty()) fmt::print("No deadlock.\n");
  }
  return 0;
}

}  // namespace ntemu::tool
