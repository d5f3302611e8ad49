// ntemu drive: directories of the host as drives of a running machine.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ntemu/machine/locate.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;

Outcome<json> ask(const DriveOptions &options, std::string_view operation, const json &arguments) {
  const auto directory = machine::machine_directory(options.machine);
  auto client = machine::ControlClient::connect(directory, 0);
  if (!client) return Error{client.error().status, fmt::format("no machine runs in {}", directory.string())};
  return client->call(operation, arguments);
}

}  // namespace

int drive_add(const DriveOptions &options) {
  std::error_code error;
  const auto directory =
      options.directory.empty() ? options.directory : std::filesystem::absolute(options.directory, error);
  const auto reply = ask(options, "drive.add", {{"letter", options.letter}, {"directory", directory.string()}});
  return reply ? 0 : fail(reply.error());
}

int drive_remove(const DriveOptions &options) {
  const auto reply = ask(options, "drive.remove", {{"letter", options.letter}});
  return reply ? 0 : fail(reply.error());
}

int drive_list(const DriveOptions &options) {
  auto reply = ask(options, "drive.list", json::object());
  if (!reply) return fail(reply.error());
  if (options.json) {
    std::puts((*reply)["drives"].dump(2).c_str());
    return 0;
  }
  for (const json &drive : (*reply)["drives"]) {
    const std::string place = drive["directory"].is_string() ? drive["directory"].get<std::string>() : "(in memory)";
    const std::string problem =
        drive["problem"].is_string() ? "  not there now: " + drive["problem"].get<std::string>() : "";
    fmt::print("{}  {}{}\n", drive["letter"].get<std::string>(), place, problem);
  }
  return 0;
}

}  // namespace ntemu::tool
