// ntemu threads and ntemu wait: they ask a running machine over its control socket.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ntemu/machine/control.h"
#include "ntemu/machine/duration.h"
#include "ntemu/machine/wait_for.h"
#include "ntemu/machine/win32_error.h"
#include "tools/ntemu/commands.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;

int fail_in_words(const Error &error) {
  fmt::print(stderr, "ntemu: {}\n", error.text);
  return machine::exit_code(machine::win32_error(error));
}

std::string text(const json &row, const char *key) { return row.contains(key) ? row[key].get<std::string>() : ""; }

void print_table(const json &threads) {
  fmt::print("{:>5} {:<18} {:<12} {:<15} {:>9} {:<22} {}\n", "Id", "Thread", "State", "Reason", "Time", "Object",
             "Start");
  for (const json &row : threads) {
    const bool waiting = row.contains("wait_seconds");
    const auto waited = static_cast<base::Nt100ns>(row.value("wait_seconds", 0.0) * base::kNtPerSecond);
    std::string object;
    if (row.contains("object")) {
      object = text(row["object"], "type");
      if (row["object"].contains("owner_id")) object += fmt::format(" owner {}", row["object"]["owner_id"].get<int>());
    }
    fmt::print("{:>5} {:<18} {:<12} {:<15} {:>9} {:<22} {}\n", row["id"].get<int>(), text(row, "address"),
               text(row, "state"), text(row, "wait_reason"), waiting ? machine::format_duration(waited) : "", object,
               text(row, "start"));
  }
}

}  // namespace

int threads(const ClientOptions &options) {
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client) return fail_in_words(client.error());
  auto reply = client->call("threads", json::object());
  if (!reply) return fail_in_words(reply.error());
  if (options.json) {
    std::puts((*reply)["threads"].dump(2).c_str());
  } else {
    print_table((*reply)["threads"]);
  }
  return 0;
}

int wait(const WaitOptions &options) {
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client) return fail_in_words(client.error());
  json arguments = machine::Condition{options.threads, options.reason, options.start}.to_json();
  if (options.timeout) arguments["timeout"] = static_cast<double>(options.timeout->count()) / 1000;
  auto reply = client->call("wait", arguments);
  if (!reply) return fail_in_words(reply.error());
  if (options.json) std::puts((*reply)["threads"].dump(2).c_str());
  if ((*reply)["met"].get<bool>()) return 0;
  constexpr uint32_t kWaitTimeout = 258;
  fmt::print(stderr, "ntemu: the condition did not come true in time\n");
  if (!options.json) print_table((*reply)["threads"]);
  return machine::exit_code(kWaitTimeout);
}

}  // namespace ntemu::tool
