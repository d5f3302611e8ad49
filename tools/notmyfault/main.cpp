// notmyfault: has a driver make a mistake in a machine, and shows what comes of it.
#include <fmt/format.h>

#include <cstdio>

#include "nt/status.h"
#include "ntemu/base/hex.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/locate.h"
#include "ntemu/machine/watch_end.h"
#include "ntemu/machine/win32_error.h"
#include "tools/layout.h"
#include "tools/notmyfault/command_line.h"

namespace {

using namespace ntemu;
using namespace ntemu::notmyfault;
using nlohmann::json;

constexpr const char *kService = "MyFault";
// Of driver/myfault.h.
constexpr const char *kDevice = "\\Device\\Myfault";
constexpr const char *kHangsRequest = "The driver never completes this request. Ctrl-C leaves it so.\n";
constexpr const char *kHangsProcessor = "The DPC that this request queues never ends. Ctrl-C leaves it so.\n";

constexpr uint32_t control_code(uint32_t function) { return 0x22U << 16 | function << 2; }

void print(const std::string &text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int finish(const CommandLine &line, int code, const json &result, const std::string &text) {
  print(line.json ? result.dump(2) + "\n" : text);
  return code;
}

int fail(const CommandLine &line, uint32_t error, const std::string &text) {
  if (line.json) {
    print(json{{"ok", false}, {"win32", error}, {"error", text}}.dump(2) + "\n");
  } else {
    fmt::print(stderr, "notmyfault: {}\n", text);
  }
  return machine::exit_code(error);
}

int fail(const CommandLine &line, const Error &error) { return fail(line, machine::win32_error(error), error.text); }

// In an installation beside the runtimes; in a build tree where drivers are built.
std::filesystem::path driver_image() {
  std::error_code error;
  const auto built = tool::root_directory() / "drivers/myfault.sys";
  if (std::filesystem::exists(built, error)) return built;
  return tool::runtime_directory("drivers") / "myfault.sys";
}

// The service is created unless it is there, and started unless it runs.
std::optional<Error> start_service(machine::ControlClient &client) {
  const std::string image = driver_image();
  const auto created = client.call("sc.create", {{"name", kService}, {"binary_path", image}});
  if (!created) {
    if (machine::win32_error(created.error()) != machine::kErrorServiceExists) return created.error();
    // It may have been created by another ntemu, or moved.
    const auto changed = client.call("sc.config", {{"name", kService}, {"binary_path", image}});
    if (!changed) return changed.error();
  }
  const auto started = client.call("sc.start", {{"name", kService}});
  if (started || machine::win32_error(started.error()) == machine::kErrorServiceAlreadyRunning) return std::nullopt;
  return Error{started.error().status,
               fmt::format("the service {} ({}) cannot be started: {}", kService, image, started.error().text),
               started.error().win32};
}

uint32_t code_of(Verb verb) { return control_code(verb == Verb::kCrash ? 0x801 : verb == Verb::kHang ? 0x802 : 0x803); }

std::string little_endian(uint32_t value) {
  const uint8_t bytes[] = {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
                           static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 24)};
  return base::to_hex(bytes, sizeof bytes);
}

std::string describe(const json &record) {
  const auto text = [&](const char *key) { return record.value(key, ""); };
  std::string parameters;
  for (const json &parameter : record.value("parameters", json::array()))
    parameters += (parameters.empty() ? "" : ", ") + parameter.get<std::string>();
  std::string said = fmt::format("*** STOP: {} ({}) {}\n", text("code"), parameters, text("name"));
  if (!text("at").empty()) said += fmt::format("    at {}\n", text("at"));
  if (!text("dump").empty()) said += fmt::format("    dump: {}\n", text("dump"));
  return said;
}

int tell_end(const CommandLine &line, machine::WatchEnd &watch, const Error &error) {
  const auto record = watch.await();
  if (!record) {
    if (line.verb == Verb::kHang) return finish(line, 0, {{"ok", true}}, "The machine was shut down.\n");
    return fail(line, error);
  }
  if (!record->contains("code")) return fail(line, machine::win32_error(error), machine::describe_last_stop(*record));
  return finish(line, ke::kBugcheckExitCode, {{"ok", true}, {"last_stop", *record}},
                "The machine has stopped.\n" + describe(*record));
}

int perform(const CommandLine &line, machine::ControlClient &client) {
  machine::WatchEnd watch(client);
  if (const auto error = start_service(client)) return fail(line, *error);
  if (line.verb == Verb::kHang && !line.json) print(line.value == 1 ? kHangsRequest : kHangsProcessor);
  const auto reply = client.exchange(
      "device.control", {{"device", kDevice}, {"code", code_of(line.verb)}, {"input", little_endian(line.value)}});
  if (!reply) return tell_end(line, watch, reply.error());
  if (!reply->value("ok", false)) {
    const auto error = reply->value("win32", machine::kErrorMrMidNotFound + 0U);
    // The machine was told to end while the request hung.
    if (line.verb == Verb::kHang &&
        reply->value("ntstatus", "") == fmt::format("0x{:08X}", static_cast<uint32_t>(STATUS_SYSTEM_SHUTDOWN)))
      return finish(line, 0, {{"ok", true}}, "The machine was shut down.\n");
    return fail(line, error, reply->value("error", ""));
  }
  return fail(line, machine::kErrorMrMidNotFound,
              fmt::format("the driver answered with status {}, and the machine goes on", reply->value("status", "")));
}

}  // namespace

int main(int argc, char **argv) {
  const CommandLine line = parse({argv + 1, argv + argc});
  if (!line.syntax_error.empty()) {
    const int code = fail(line, machine::kErrorInvalidCommandLine, line.syntax_error);
    if (!line.json) fmt::print(stderr, "Try 'notmyfault /?'.\n");
    return code;
  }
  if (line.verb == Verb::kHelp) {
    print(usage());
    return 0;
  }
  if (line.verb == Verb::kVersion) {
    print("notmyfault (ntemu " NTEMU_VERSION ")\n");
    return 0;
  }
  auto client = machine::connect_or_boot(line.machine);
  if (!client) return fail(line, client.error());
  return perform(line, *client);
}
