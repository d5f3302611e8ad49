// ntemu ioctl: a device control request from outside the machine.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "nt/status.h"
#include "ntemu/base/hex.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/watch_end.h"
#include "ntemu/machine/win32_error.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;

struct StatusName {
  uint32_t status;
  const char *name;
};
constexpr StatusName kStatusNames[] = {
#include "ntemu/testing/status_names.inc"
};

const char *status_name(uint32_t status) {
  for (const StatusName &row : kStatusNames) {
    if (row.status == status) return row.name;
  }
  return nullptr;
}

std::optional<uint32_t> number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error invalid(std::string text) { return {STATUS_INVALID_PARAMETER, std::move(text)}; }

Outcome<std::string> input_of(const IoctlOptions &options) {
  if (options.input_file.empty()) {
    if (!base::from_hex(options.input))
      return invalid(fmt::format("'{}' is not hexadecimal: pairs of digits, like 01ff", options.input));
    return options.input;
  }
  std::ifstream file(options.input_file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) {
    return Error{STATUS_OBJECT_NAME_NOT_FOUND, fmt::format("cannot read {}", options.input_file.string())};
  }
  return base::to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

void print_dump(const std::string &text) {
  const auto bytes = base::from_hex(text).value_or(std::vector<uint8_t>());
  constexpr size_t kRow = 16;
  for (size_t at = 0; at < bytes.size(); at += kRow) {
    std::string digits, letters;
    for (size_t i = at; i < std::min(at + kRow, bytes.size()); ++i) {
      digits += fmt::format("{:02x} ", bytes[i]);
      letters += bytes[i] >= ' ' && bytes[i] < 127 ? static_cast<char>(bytes[i]) : '.';
    }
    fmt::print("{:04x}  {:<48} {}\n", at, digits, letters);
  }
}

// The machine did not answer: because of the request, if a stop is on record.
int tell_end(const IoctlOptions &options, machine::WatchEnd &watch, const Error &error) {
  const auto record = watch.await();
  if (!record) return fail(error, options.json, json::object());
  const std::string text = machine::describe_last_stop(*record);
  if (options.json) {
    std::puts(json{{"error", "the machine stopped"}, {"last_stop", *record}, {"text", text}}.dump(2).c_str());
  } else {
    fmt::print(stderr, "ntemu: the machine stopped while the request was under way: {}\n", text);
  }
  return record->contains("code") ? ke::kBugcheckExitCode : machine::exit_code(machine::win32_error(error));
}

int tell(const IoctlOptions &options, const json &reply) {
  const auto status = static_cast<uint32_t>(std::strtoul(reply["status"].get<std::string>().c_str(), nullptr, 16));
  const char *name = status_name(status);
  const auto output = reply["output"].get<std::string>();
  const bool success = NT_SUCCESS(static_cast<NTSTATUS>(status));
  if (options.json) {
    json said{{"status", reply["status"]},
              {"status_name", nullptr},
              {"information", reply["information"]},
              {"output", output}};
    if (name) said["status_name"] = name;
    std::puts(said.dump(2).c_str());
  } else {
    fmt::print(success ? stdout : stderr, "status {}{}{}, information {}\n", reply["status"].get<std::string>(),
               name ? " " : "", name ? name : "", reply["information"].get<uint64_t>());
    print_dump(output);
  }
  return success ? 0 : machine::exit_code(machine::win32_error(static_cast<NTSTATUS>(status)));
}

}  // namespace

int send_ioctl(const IoctlOptions &options) {
  const auto failed = [&](const Error &error) { return fail(error, options.json, json::object()); };
  const auto code = number(options.code);
  if (!code) return failed(invalid(fmt::format("'{}' is no control code: a number like 0x222000", options.code)));
  const auto input = input_of(options);
  if (!input) return failed(input.error());
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client) return failed(client.error());
  machine::WatchEnd watch(*client);
  const json arguments{
      {"device", options.device}, {"code", *code}, {"input", *input}, {"output_length", options.output_length}};
  const auto reply = client->exchange("device.control", arguments);
  if (!reply) return tell_end(options, watch, reply.error());
  if (reply->value("ok", false)) return tell(options, *reply);
  const auto status = static_cast<uint32_t>(std::strtoul(reply->value("ntstatus", "").c_str(), nullptr, 16));
  const char *name = status_name(status);
  std::string text = reply->value("error", "refused");
  if (name) text += fmt::format(": {}", name);
  return failed({static_cast<NTSTATUS>(status), text, reply->value("win32", 0U)});
}

}  // namespace ntemu::tool
