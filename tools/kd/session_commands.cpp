// help, ?, q: the session itself.
#include <fmt/format.h>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

bool help(Session &, Arguments arguments, Output &output) {
  if (!arguments.words().empty()) {
    const Command *command = find_command(arguments.words().front());
    if (!command) {
      output.error(fmt::format("There is no command {}", arguments.words().front()));
      return false;
    }
    output.line(fmt::format("{} {}", command->names, command->arguments));
    output.line(command->help);
    return true;
  }
  Table table("commands", {{"Command", "names"}, {"Arguments", "arguments"}, {"", "help"}}, {.header = false});
  for (const Command *command : all_commands())
    table.add({std::string(command->names), std::string(command->arguments), std::string(command->help)});
  output.table(table);
  return true;
}

bool evaluate_expression(Session &session, Arguments arguments, Output &output) {
  if (arguments.text().empty()) return help(session, std::move(arguments), output);
  const auto value = session.evaluate(arguments.text());
  if (!value) {
    output.error(value.error().text);
    return false;
  }
  const auto number = static_cast<int64_t>(*value);
  output.value("value", *value, fmt::format("Evaluate expression: {} = {}", number, ticked(*value)));
  return true;
}

bool quit(Session &session, Arguments, Output &) {
  session.ended = true;
  return true;
}

constexpr Command kCommands[] = {
    {"?", "EXPRESSION", "The value of an expression", evaluate_expression},
    {"help .help", "[COMMAND]", "What commands there are", help},
    {"q qq qd", "", "Ends kd", quit},
};

}  // namespace

std::span<const Command> session_commands() { return kCommands; }

}  // namespace ntemu::debug
