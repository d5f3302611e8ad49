// sc: the client of a machine's service controller.
#include <fmt/format.h>

#include <cstdio>

#include "ntemu/machine/locate.h"
#include "ntemu/machine/win32_error.h"
#include "tools/sc/command_line.h"
#include "tools/sc/output.h"

namespace {

using namespace ntemu;
using namespace ntemu::sc;
using nlohmann::json;

void print(const std::string &text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void explain(std::string_view text) { fmt::print(stderr, "sc: {}\n", text); }

std::string error_text(uint32_t error) {
  if (const auto text = machine::win32_error_text(error); !text.empty()) return std::string(text);
  return fmt::format("The driver ended with the code {:#x}.", error);
}

struct Session {
  const CommandLine &line;
  machine::ControlClient &client;

  const Command &command() const { return *line.command; }

  // The reply, failed or not; exits the session when there is none.
  Outcome<json> ask(const char *operation, json arguments) const {
    if (command().name) arguments["name"] = *command().name;
    return client.exchange(operation, arguments);
  }
};

int fail(const CommandLine &line, const std::string &function, uint32_t error, const std::string &detail,
         json reply = json::object()) {
  const std::string text = error_text(error);
  if (line.json) {
    reply.erase("v");
    reply.erase("id");
    reply["ok"] = false;
    reply["win32"] = error;
    reply["function"] = function;
    reply["text"] = text;
    if (!detail.empty()) reply["error"] = detail;
    print(reply.dump(2) + "\n");
  } else {
    print(format_failure(line.in_verb.value_or(Verb::kConfig), function, error, text));
    if (!detail.empty()) explain(detail);
  }
  return machine::exit_code(error);
}

int fail(const CommandLine &line, const json &reply) {
  return fail(line, reply.value("function", "OpenSCManager"), reply.value("win32", machine::kErrorMrMidNotFound + 0U),
              reply.value("detail", reply.value("error", "")), reply);
}

int succeed(const CommandLine &line, json reply, const std::string &text) {
  if (line.json) {
    reply.erase("v");
    reply.erase("id");
    print(reply.dump(2) + "\n");
  } else {
    print(text);
    if (reply.contains("note")) explain(*line.command->name + ": " + reply["note"].get<std::string>());
  }
  return 0;
}

int print_enumeration(const CommandLine &line, const json &reply) {
  const Filter &filter = line.command->filter;
  const Enumeration chosen = select(reply.at("services"), filter);
  if (line.json) {
    json result{{"ok", true}, {"services", chosen.shown}};
    if (chosen.bytes_needed) result["resume"] = chosen.resume;
    print(result.dump(2) + "\n");
  } else {
    for (const json &service : chosen.shown) print(format_status(service, true, line.command->verb == Verb::kQueryEx));
    if (chosen.bytes_needed)
      print(fmt::format("\nEnum: more data, need {} bytes start resume at index {}\n", chosen.bytes_needed,
                        chosen.resume));
  }
  if (filter.as_default && chosen.shown.empty() && !reply.at("services").empty())
    explain("sc query shows processes; 'sc query type= driver' shows the drivers that run, with state= all every one");
  constexpr uint32_t kMoreData = 234;
  return chosen.bytes_needed ? machine::exit_code(kMoreData) : 0;
}

// A control's number, and what its success looks like.
int control(const Session &session, uint32_t code) {
  auto reply = session.ask("sc.control", {{"control", code}});
  if (!reply)
    return fail(session.line, "OpenSCManager", machine::win32_error(reply.error().status), reply.error().text);
  if (!reply->value("ok", false)) return fail(session.line, *reply);
  return succeed(session.line, *reply, format_status(reply->at("service"), false, false));
}

const char *operation_of(const Command &command) {
  switch (command.verb) {
    case Verb::kCreate:
      return "sc.create";
    case Verb::kConfig:
      return "sc.config";
    case Verb::kStart:
      return "sc.start";
    case Verb::kStop:
      return "sc.stop";
    case Verb::kDelete:
      return "sc.delete";
    case Verb::kDescription:  // without a text, nothing is changed
      return command.arguments.contains("description") ? "sc.description" : "sc.qc";
    case Verb::kQueryConfig:
    case Verb::kQueryDescription:
      return "sc.qc";
    default:
      return !command.name ? "sc.enumerate" : "sc.query";
  }
}

int perform(const Session &session) {
  const CommandLine &line = session.line;
  const Command &command = session.command();
  constexpr uint32_t kPause = 2, kContinue = 3, kInterrogate = 4;
  if (command.verb == Verb::kPause) return control(session, kPause);
  if (command.verb == Verb::kContinue) return control(session, kContinue);
  if (command.verb == Verb::kInterrogate) return control(session, kInterrogate);
  if (command.verb == Verb::kControl) return control(session, command.arguments["control"].get<uint32_t>());
  auto reply = session.ask(operation_of(command), command.arguments);
  if (!reply) return fail(line, "OpenSCManager", machine::win32_error(reply.error().status), reply.error().text);
  if (!reply->value("ok", false)) return fail(line, *reply);
  switch (command.verb) {
    case Verb::kCreate:
      return succeed(line, *reply, "[SC] CreateService SUCCESS\n");
    case Verb::kConfig:
      return succeed(line, *reply, "[SC] ChangeServiceConfig SUCCESS\n");
    case Verb::kDelete:
      return succeed(line, *reply, "[SC] DeleteService SUCCESS\n");
    case Verb::kDescription:
      return succeed(line, *reply, "[SC] ChangeServiceConfig2 SUCCESS\n");
    case Verb::kQueryConfig:
      return succeed(line, *reply, format_config(reply->at("config")));
    case Verb::kQueryDescription:
      return succeed(line, *reply, format_description(reply->at("config")));
    default:
      break;
  }
  if (!command.name) return print_enumeration(line, *reply);
  const bool extended = command.verb == Verb::kStart || command.verb == Verb::kQueryEx;
  return succeed(line, *reply, format_status(reply->at("service"), false, extended));
}

int refuse_syntax(const CommandLine &line) {
  if (line.json) return fail(line, "", machine::kErrorInvalidCommandLine, line.syntax_error);
  print(fmt::format("\nERROR:  {}\n\n{}", line.syntax_error, line.in_verb ? usage(*line.in_verb) : usage()));
  return machine::exit_code(machine::kErrorInvalidCommandLine);
}

}  // namespace

int main(int argc, char **argv) {
  const CommandLine line = parse({argv + 1, argv + argc});
  if (!line.syntax_error.empty()) return refuse_syntax(line);
  if (line.help) {
    print(line.in_verb ? usage(*line.in_verb) : usage());
    return 0;
  }
  if (line.version) {
    print("sc (ntemu " NTEMU_VERSION ")\n");
    return 0;
  }
  if (!line.refused.empty()) return fail(line, line.refused_call, machine::kErrorNotSupported, line.refused);
  auto client = machine::connect_or_boot(line.machine);
  if (!client) return fail(line, "OpenSCManager", machine::win32_error(client.error()), client.error().text);
  return perform({line, *client});
}
