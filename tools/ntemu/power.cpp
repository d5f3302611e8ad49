// ntemu shutdown, status and reset: the machine as a whole.
#include <fmt/format.h>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "nt/status.h"
#include "ntemu/machine/debug_log.h"
#include "ntemu/machine/duration.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/locate.h"
#include "ntemu/machine/place.h"
#include "ntemu/machine/process_end.h"
#include "ntemu/machine/supervisor.h"
#include "ntemu/machine/win32_error.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace stdfs = std::filesystem;

constexpr uint32_t kErrorServiceNotActive = 1062;

// Waits until nobody has the lock of the directory: who has it and does not answer boots, or ends.
Outcome<int> lock_when_free(const stdfs::path &directory) {
  for (const auto began = Steady::now();; std::this_thread::sleep_for(10ms)) {
    auto lock = machine::occupy(directory);
    if (lock || lock.error().status != STATUS_SHARING_VIOLATION || Steady::now() - began > 10s) return lock;
    if (machine::ControlClient::connect(directory, 0)) return lock;
  }
}

bool is_there(const stdfs::path &path) {
  std::error_code error;  // a mount whose machine was killed is there, too
  return stdfs::exists(stdfs::symlink_status(path, error)) || error == std::errc::not_connected;
}

int say_none_runs(const stdfs::path &directory, bool as_json) {
  const auto last = machine::read_last_stop(directory);
  if (as_json) {
    json said{{"running", false}, {"directory", directory.string()}};
    if (last) said["last_stop"] = *last;
    if (last) said["last_stop"]["text"] = machine::describe_last_stop(*last);
    std::puts(said.dump(2).c_str());
  } else {
    fmt::print(stderr, "ntemu: no machine runs in {}\n", directory.string());
    if (last) fmt::print(stderr, "last stop: {}\n", machine::describe_last_stop(*last));
  }
  return 0;
}

std::string joined(const json &list, const char *key) {
  std::string text;
  for (const json &item : list) {
    const json &shown = key ? item.at(key) : item;
    if (!text.empty()) text += ", ";
    text += shown.get<std::string>();
  }
  return text.empty() ? "none" : text;
}

void print_status(const json &status) {
  const auto uptime = static_cast<base::Nt100ns>(status.value("uptime", 0.0) * base::kNtPerSecond);
  const auto line = [](const char *title, const std::string &text) { fmt::print("{:<10}{}\n", title, text); };
  line("machine", status.value("directory", ""));
  line("state", fmt::format("{}, process {}, for {}", status.value("state", ""), status.value("pid", 0),
                            machine::format_duration(uptime)));
  line("mount", status["mount"].is_string() ? status["mount"].get<std::string>()
                                            : fmt::format("none: {}", status.value("mount_problem", "")));
  line("drives", joined(status["drives"], "letter"));
  line("drivers", joined(status["drivers"], nullptr));
  if (status.contains("services") && status["services"].is_object())
    line("services", fmt::format("{}, {} of them running", status["services"].value("total", 0),
                                 status["services"].value("running", 0)));
  line("log", status.value("log", ""));
  if (const auto last = status.find("last_stop"); last != status.end()) line("last stop", last->value("text", ""));
}

// What belongs to the machine, and may go.
std::vector<std::string> resettable(const stdfs::path &directory, bool drive_c) {
  std::vector<std::string> names;
  for (const char *name : {"hive.db", "hive.db-wal", "hive.db-shm", "debug.log", "images", "control.sock", "DosDevices",
                           "last_stop.json"}) {
    if (is_there(directory / name)) names.emplace_back(name);
  }
  if (drive_c && is_there(directory / "drive_c")) names.emplace_back("drive_c");
  return names;
}

}  // namespace

int shutdown(const PowerOptions &options) {
  const auto directory = machine::machine_directory(options.machine);
  auto client = machine::ControlClient::connect(directory, 0);
  std::optional<machine::ProcessEnd> machine_end;
  if (client && client->machine() > 0) machine_end.emplace(client->machine());
  const auto status = client ? client->exchange("status", json::object()) : client.error();
  if (!client || !status) {
    if (machine_end) machine_end->await();  // it ends already, and answers nobody
    const auto lock = lock_when_free(directory);
    if (lock) close(*lock);
    if (lock || !is_there(directory)) return say_none_runs(directory, options.json);
    return fail(lock.error());
  }
  std::optional<machine::ProcessEnd> supervisor_end;
  if (const auto found = status->find("supervisor"); found != status->end() && found->is_number())
    supervisor_end.emplace(found->get<int>());
  const auto reply = client->call("shutdown", json::object());
  if (!reply && reply.error().win32) return fail(reply.error(), options.json, {{"running", true}});
  if (machine_end) machine_end->await();
  if (supervisor_end) supervisor_end->await();
  const std::string text = reply ? reply->value("text", "") : "";
  if (!text.empty()) fmt::print(stderr, "ntemu: {}\n", text);
  if (options.json) {
    std::puts(json{{"running", false},
                   {"directory", directory.string()},
                   {"threads_left", reply ? reply->value("left", 0) : 0},
                   {"text", text}}
                  .dump(2)
                  .c_str());
  } else {
    fmt::print("the machine in {} has ended\n", directory.string());
  }
  return 0;
}

int status(const PowerOptions &options) {
  const auto directory = machine::machine_directory(options.machine);
  auto client = machine::ControlClient::connect(directory, 0);
  auto status = client ? client->exchange("status", json::object()) : client.error();
  auto drives = status ? client->exchange("drive.list", json::object()) : status.error();
  if (!status || !drives) {
    say_none_runs(directory, options.json);
    return machine::exit_code(kErrorServiceNotActive);
  }
  for (const char *key : {"v", "id", "ok"}) status->erase(key);
  (*status)["running"] = true;
  (*status)["drives"] = drives->value("drives", json::array());
  if (!status->contains("directory")) (*status)["directory"] = directory.string();
  if (options.json) {
    std::puts(status->dump(2).c_str());
  } else {
    print_status(*status);
  }
  return 0;
}

int reset(const ResetOptions &options) {
  const auto directory = machine::machine_directory(options.machine);
  if (!is_there(directory / "hive.db") && !is_there(directory / "drive_c"))
    return fail({STATUS_NO_SUCH_FILE, fmt::format("there is no machine in {}", directory.string())});
  const auto lock = lock_when_free(directory);
  if (!lock && lock.error().status == STATUS_SHARING_VIOLATION)
    return fail({STATUS_SHARING_VIOLATION,
                 fmt::format("the machine in {} runs: end it with 'ntemu shutdown' first", directory.string())});
  if (!lock) return fail(lock.error());
  const auto names = resettable(directory, options.drive_c);
  machine::clean_up(directory);
  std::error_code error;
  for (const std::string &name : names) {
    // Never into the mount, should it still be there.
    if (name == machine::kMountName) {
      stdfs::remove(directory / name, error);
    } else {
      stdfs::remove_all(directory / name, error);
    }
    if (error)
      return fail(
          {STATUS_CANNOT_DELETE, fmt::format("cannot remove {}: {}", (directory / name).string(), error.message())});
  }
  fmt::print("removed from {}: {}\n", directory.string(), joined(json(names), nullptr));
  if (is_there(directory / "drive_c"))
    fmt::print("kept: {} (--drive-c removes it too)\n", (directory / "drive_c").string());
  return 0;
}

}  // namespace ntemu::tool
