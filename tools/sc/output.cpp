#include "tools/sc/output.h"

#include <fmt/format.h>

#include <algorithm>

namespace ntemu::sc {
namespace {

using nlohmann::json;

std::string text(const json &row, const char *key) { return row.at(key).get<std::string>(); }
uint32_t number(const json &row, const char *key) { return row.at(key).get<uint32_t>(); }

// "        TYPE               : 1  KERNEL_DRIVER", without blanks at the end.
std::string row(std::string_view name, std::string_view value) {
  std::string line = fmt::format("        {:<19}:{}{}", name, value.empty() ? "" : " ", value);
  line += '\n';
  return line;
}

bool same_text(std::string_view first, std::string_view second) {
  return std::equal(first.begin(), first.end(), second.begin(), second.end(), [](char a, char b) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; };
    return fold(a) == fold(b);
  });
}

bool is_selected(const json &service, const Filter &filter) {
  constexpr uint32_t kStopped = 1;
  const bool stopped = number(service, "state") == kStopped;
  if ((number(service, "type") & filter.types) == 0) return false;
  if (stopped ? !filter.inactive : !filter.active) return false;
  return !filter.group || same_text(text(service, "group"), *filter.group);
}

// In a buffer of EnumServicesStatusEx: a structure of 56 bytes and both names in UTF-16, terminated.
size_t bytes_of(const json &service) {
  constexpr size_t kStructure = 56;
  const auto units = [&](const char *key) {
    size_t count = 0;  // UTF-16 units of UTF-8: one for each character, two for those of four bytes
    for (const char byte : text(service, key)) {
      const auto value = static_cast<unsigned char>(byte);
      count += (value & 0xC0) != 0x80;
      count += value >= 0xF0;
    }
    return count;
  };
  return kStructure + 2 * (units("name") + 1) + 2 * (units("display_name") + 1);
}

}  // namespace

std::string format_failure(Verb verb, const std::string &function, uint32_t error, const std::string &message) {
  std::string where = function;
  if (function == "OpenService" && verb == Verb::kStart) where = "StartService: OpenService";
  if (function == "OpenService" && (verb == Verb::kQuery || verb == Verb::kQueryEx))
    where = "EnumQueryServicesStatus:OpenService";
  return fmt::format("[SC] {} FAILED {}:\n\n{}\n\n", where, error, message);
}

std::string format_status(const json &service, bool display_name, bool extended) {
  std::string result = fmt::format("\nSERVICE_NAME: {}\n", text(service, "name"));
  if (display_name) result += fmt::format("DISPLAY_NAME: {}\n", text(service, "display_name"));
  constexpr uint32_t kStopped = 1;
  const uint32_t state = number(service, "state"), code = number(service, "win32_exit_code"),
                 own_code = number(service, "service_exit_code");
  result += row("TYPE", fmt::format("{:x}  {}", number(service, "type"), text(service, "type_name")));
  result += row("STATE", fmt::format("{}  {}", state, text(service, "state_name")));
  if (state != kStopped)
    result += fmt::format("{:32}({}, NOT_PAUSABLE, IGNORES_SHUTDOWN)\n", "",
                          service.at("stoppable").get<bool>() ? "STOPPABLE" : "NOT_STOPPABLE");
  result += row("WIN32_EXIT_CODE", fmt::format("{}  ({:#x})", code, code));
  result += row("SERVICE_EXIT_CODE", fmt::format("{}  ({:#x})", own_code, own_code));
  result += row("CHECKPOINT", fmt::format("{:#x}", number(service, "checkpoint")));
  result += row("WAIT_HINT", fmt::format("{:#x}", number(service, "wait_hint")));
  if (extended) result += row("PID", "0") + row("FLAGS", "");
  return result;
}

std::string format_config(const json &config) {
  std::string result = fmt::format("[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: {}\n", text(config, "name"));
  result += row("TYPE", fmt::format("{:x}  {}", number(config, "type"), text(config, "type_name")));
  result += row("START_TYPE", fmt::format("{}   {}", number(config, "start"), text(config, "start_name")));
  result += row("ERROR_CONTROL", fmt::format("{}   {}", number(config, "error"), text(config, "error_name")));
  result += row("BINARY_PATH_NAME", text(config, "binary_path"));
  result += row("LOAD_ORDER_GROUP", text(config, "group"));
  result += row("TAG", fmt::format("{}", number(config, "tag")));
  result += row("DISPLAY_NAME", text(config, "display_name"));
  const json &dependencies = config.at("dependencies");
  if (dependencies.empty()) result += row("DEPENDENCIES", "");
  for (const json &one : dependencies)
    result += row(&one == &dependencies.front() ? "DEPENDENCIES" : "", one.get<std::string>());
  return result + row("SERVICE_START_NAME", "");
}

std::string format_description(const json &config) {
  const std::string description = text(config, "description");
  return fmt::format("[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: {}\nDESCRIPTION:{}{}\n", text(config, "name"),
                     description.empty() ? "" : "  ", description);
}

Enumeration select(const json &services, const Filter &filter) {
  Enumeration result;
  size_t index = 0, used = 0;
  for (const json &service : services) {
    if (!is_selected(service, filter) || index++ < filter.resume) continue;
    const size_t bytes = bytes_of(service);
    if (filter.buffer && (result.bytes_needed != 0 || used + bytes > *filter.buffer)) {
      if (result.bytes_needed == 0) result.resume = index - 1;
      result.bytes_needed += bytes;
      continue;
    }
    used += bytes;
    result.shown.push_back(service);
  }
  return result;
}

}  // namespace ntemu::sc
