// help, ?, .logopen, .lines, q and others: the session itself.
#include <fmt/format.h>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/standard_output.h"

namespace ntemu::debug {
namespace {

bool help(Session &, Arguments &arguments, Output &output) {
  if (arguments.words().empty()) {
    Table table("commands", {{"Command", "names"}, {"Arguments", "arguments"}, {"", "help"}}, {.header = false});
    for (const Command *command : all_commands())
      table.add({std::string(command->names), std::string(command->arguments), std::string(command->help)});
    output.table(table);
    return true;
  }
  const Command *command = find_command(arguments.words().front());
  if (!command) return fail(output, fmt::format("There is no command {}", arguments.words().front()));
  output.value("names", command->names, fmt::format("{} {}", command->names, command->arguments));
  output.value("help", command->help, command->help);
  if (!command->details.empty()) output.line(command->details);
  return true;
}

bool evaluate_expression(Session &session, Arguments &arguments, Output &output) {
  if (arguments.text().empty()) return help(session, arguments, output);
  const auto value = session.evaluate(arguments.text());
  if (!value) return fail(output, value.error().text);
  output.value("hex", hex16(*value), "");
  output.value("value", static_cast<int64_t>(*value),
               fmt::format("Evaluate expression: {} = {}", static_cast<int64_t>(*value), ticked(*value)));
  return true;
}

bool quit(Session &session, Arguments &, Output &) {
  session.ended = true;
  return true;
}

bool say(Session &, Arguments &arguments, Output &output) {
  output.line(arguments.text());
  return true;
}

bool nothing(Session &, Arguments &, Output &) { return true; }

bool open_log(Session &session, Arguments &arguments, Output &output) {
  if (!session.writer) return fail(output, "There is no log here");
  const bool append = arguments.name() == ".logappend";
  const std::string file = arguments.words().empty() ? "dbgeng.log" : arguments.words().front();
  if (const auto failure = session.writer->open_log(file, append)) return fail(output, failure->text);
  output.value("log", file, fmt::format("Opened log file '{}'", file));
  return true;
}

bool close_log(Session &session, Arguments &, Output &output) {
  output.line("Closing open log file");
  if (session.writer) session.writer->close_log();
  return true;
}

bool lines(Session &session, Arguments &arguments, Output &output) {
  if (arguments.take_option("-k")) {
    session.source_lines = LineChoice::kAll;
  } else if (arguments.take_option("-d")) {
    session.source_lines = LineChoice::kNone;
  } else if (arguments.take_option("-e") || session.source_lines != LineChoice::kDrivers) {
    session.source_lines = LineChoice::kDrivers;
  } else {
    session.source_lines = LineChoice::kNone;
  }
  static constexpr const char *kTexts[] = {"Line number information will not be shown",
                                           "Line number information of drivers will be shown",
                                           "Line number information will be shown"};
  output.line(kTexts[static_cast<int>(session.source_lines)]);
  return true;
}

bool symbol_path(Session &session, Arguments &arguments, Output &output) {
  auto &path = session.target().symbol_path;
  if (!arguments.text().empty()) {
    path.clear();
    session.add_symbol_path(arguments.text());
    for (const auto &module : session.target().modules()) module->forget_file();
    session.forget_stack();
  }
  std::string text;
  for (const auto &directory : path) text += (text.empty() ? "" : ":") + directory.string();
  output.value("path", text, fmt::format("Symbol search path is: {}", text.empty() ? "<empty>" : text));
  return true;
}

bool reload(Session &session, Arguments &, Output &) {
  for (const auto &module : session.target().modules()) module->forget_file();
  session.forget_stack();
  return true;
}

constexpr Command kSessionCommands[] = {
    {"?", "EXPRESSION", "The value of an expression", evaluate_expression,
     "Numbers are hexadecimal; 0n1 is decimal, 0t1 octal, 0y1 binary. ` may stand in them.\n"
     "+ - * / % & | ^ ~ << >> < > <= >= == != ( ), and or xor mod not, poi() qwo() dwo() wo() by() low() hi(),\n"
     "MODULE!NAME, @REGISTER, @$thread, @$proc, @$ip, @$csp, @$ra"},
    {".echo", "TEXT", "Prints a text", say},
    {".lines", "[-e|-d|-k]", "Lines in stacks: of drivers (-e), none (-d), the kernel's, too (-k)", lines},
    {".logopen .logappend", "[FILE]", "Writes all that is printed into a file, too", open_log},
    {".logclose", "", "Ends that", close_log},
    {".sympath", "[DIRECTORY:...]", "Where else files of drivers are looked for", symbol_path},
    {".reload", "", "Looks for files of modules anew", reload},
    {"$$ *", "TEXT", "A comment; $$<FILE runs the commands in a file", nothing},
    {"help .help", "[COMMAND]", "What commands there are", help},
    {"q qq qd .detach", "", "Ends kd", quit},
};

}  // namespace

std::span<const Command> session_commands() { return kSessionCommands; }

}  // namespace ntemu::debug
