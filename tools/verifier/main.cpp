// verifier: says which drivers of a machine are verified, and shows what the verification has met.
#include <fmt/format.h>

#include <cstdio>

#include "ntemu/machine/locate.h"
#include "ntemu/machine/win32_error.h"
#include "tools/verifier/command_line.h"
#include "tools/verifier/output.h"

namespace {

using namespace ntemu;
using namespace ntemu::verifier;
using nlohmann::json;

void print(const std::string &text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void explain(std::string_view text) { fmt::print(stderr, "verifier: {}\n", text); }

int fail(const CommandLine &line, uint32_t error, const std::string &text) {
  if (line.json) {
    print(json{{"ok", false}, {"win32", error}, {"error", text}}.dump(2) + "\n");
  } else {
    explain(text);
  }
  return machine::exit_code(error);
}

int succeed(const CommandLine &line, json reply, const std::string &text) {
  if (line.json) {
    reply.erase("v");
    reply.erase("id");
    print(reply.dump(2) + "\n");
    return 0;
  }
  print(text);
  if (reply.contains("problems")) {
    for (const json &problem : reply["problems"]) explain(problem.get<std::string>());
  }
  return 0;
}

constexpr const char *kWhen = "\nThe settings hold for a driver from its next load on.\n";

const char *operation_of(Verb verb) {
  switch (verb) {
    case Verb::kQuery:
      return "verifier.query";
    case Verb::kReset:
      return "verifier.reset";
    case Verb::kSet:
      return "verifier.set";
    case Verb::kVolatile:
      return "verifier.volatile";
    default:
      return "verifier.settings";
  }
}

int perform(const CommandLine &line, machine::ControlClient &client) {
  auto reply = client.exchange(operation_of(line.verb), line.arguments);
  if (!reply) return fail(line, machine::win32_error(reply.error()), reply.error().text);
  if (!reply->value("ok", false))
    return fail(line, reply->value("win32", machine::kErrorMrMidNotFound + 0U), reply->value("error", ""));
  switch (line.verb) {
    case Verb::kQuery:
    case Verb::kVolatile:
      return succeed(line, *reply, format_query(*reply));
    case Verb::kReset:
      return succeed(line, *reply,
                     reply->at("changed").get<bool>()
                         ? "\nThe settings are removed: drivers are not verified from their next load on.\n"
                         : "\nNo settings were changed.\n");
    case Verb::kSet:
      return succeed(line, *reply, format_settings(*reply) + kWhen);
    default:
      return succeed(line, *reply, format_settings(*reply));
  }
}

// What is volatile ends with the machine: one that does not run has none of it, and is not booted for it.
int perform_on_running(const CommandLine &line) {
  auto client = machine::ControlClient::connect(machine::machine_directory(line.machine), 0);
  if (client) return perform(line, *client);
  if (line.verb == Verb::kVolatile)
    return fail(line, machine::win32_error(client.error()), client.error().text + "; /volatile needs one that runs");
  const json nothing{{"ok", true}, {"level", nullptr}, {"drivers", json::array()}};
  const int code = succeed(line, nothing, format_query(nothing));
  explain(client.error().text);
  return code;
}

}  // namespace

int main(int argc, char **argv) {
  const CommandLine line = parse({argv + 1, argv + argc});
  if (!line.syntax_error.empty()) {
    const int code = fail(line, machine::kErrorInvalidCommandLine, line.syntax_error);
    if (!line.json) fmt::print(stderr, "Try 'verifier /?'.\n");
    return code;
  }
  if (!line.refused.empty()) return fail(line, machine::kErrorNotSupported, line.refused);
  if (line.verb == Verb::kHelp) {
    print(usage());
    return 0;
  }
  if (line.verb == Verb::kVersion) {
    print("verifier (ntemu " NTEMU_VERSION ")\n");
    return 0;
  }
  if (line.verb == Verb::kQuery || line.verb == Verb::kVolatile) return perform_on_running(line);
  auto client = machine::connect_or_boot(line.machine);
  if (!client) return fail(line, machine::win32_error(client.error()), client.error().text);
  return perform(line, *client);
}
