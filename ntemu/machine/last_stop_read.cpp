// The record of the last stop as clients read it: no kernel is needed for that.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <fstream>

#include "ntemu/machine/last_stop.h"

namespace ntemu::machine {

using json = nlohmann::json;

std::optional<json> read_last_stop(const std::filesystem::path &directory) {
  std::ifstream file(directory / kLastStopName);
  if (!file) return std::nullopt;
  json record = json::parse(file, nullptr, false);
  if (!record.is_object()) return std::nullopt;
  return record;
}

std::string describe_last_stop(const json &record) {
  const auto text = [&](const char *key) {
    return record.contains(key) && record[key].is_string() ? record[key].get<std::string>() : std::string();
  };
  std::string when = text("time");
  if (record.contains("time") && record["time"].is_number_integer())
    when = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(record["time"].get<int64_t>())));
  std::string said = when + " ";
  if (text("code").empty()) return said + text("end");
  said += fmt::format("bugcheck {} (", text("code"));
  bool first = true;
  if (record.contains("parameters") && record["parameters"].is_array()) {
    for (const json &parameter : record["parameters"]) {
      said += (first ? "" : ", ") + (parameter.is_string() ? parameter.get<std::string>() : "?");
      first = false;
    }
  }
  said += ") " + text("name");
  if (!text("at").empty()) said += " at " + text("at");
  if (!text("dump").empty()) said += "; dump: " + text("dump");
  return said;
}

}  // namespace ntemu::machine
