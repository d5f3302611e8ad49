// kd: looks into a running machine, or into a dump of one.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "ntemu/machine/control.h"
#include "tools/kd/commands.h"
#include "tools/kd/prompt.h"
#include "tools/kd/standard_output.h"

namespace {

using namespace ntemu;
using namespace ntemu::debug;

constexpr int kFailed = 1, kMisused = 2;

struct Options {
  std::string machine, dump, symbol_path;
  std::vector<std::string> commands;
  int pid = 0;
  bool json = false, freeze = false;
};

std::string footer() {
  std::string text =
      "The machine is the one in --machine DIR, else in $NTEMU_MACHINE, else the only one that this user runs.\n"
      "Without -c, commands are read from standard input, with a prompt where that is a terminal. The machine runs on\n"
      "meanwhile; a thread that runs is stopped for a moment to read its registers.\n"
      "Exit code 0; 1 when there is nothing to look at or a command of -c failed; 2 for a wrong command line.\n\n"
      "Commands:\n";
  for (const Command *command : all_commands()) {
    const std::string head = fmt::format("  {} {}", command->names, command->arguments);
    constexpr size_t kColumn = 46;
    text += head.size() + 2 > kColumn ? fmt::format("{}\n{:{}}{}\n", head, "", kColumn, command->help)
                                      : fmt::format("{:{}}{}\n", head, kColumn, command->help);
  }
  return text;
}

void add_options(CLI::App &app, Options &options) {
  auto *machine = app.add_option("-m,--machine", options.machine, "The machine's directory")->type_name("DIR");
  auto *pid = app.add_option("-p,--pid", options.pid, "The machine's process id")->type_name("PID");
  auto *dump = app.add_option("-z,--dump", options.dump, "Look into this dump")->type_name("FILE");
  pid->excludes(machine);
  dump->excludes(machine)->excludes(pid);
  app.add_option("-c,--command", options.commands, "Run these commands, with ; between them, and end")
      ->type_name("COMMANDS")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("-y,--symbols", options.symbol_path,
                 "Directories, with : between them, in which files of drivers are looked for, too")
      ->type_name("PATH");
  app.add_flag("--freeze", options.freeze, "Stop all threads of the machine's process while kd runs");
  app.add_flag("--json", options.json, "Print JSON: an object for each command, on a line of its own");
  app.set_version_flag("--version", "kd " NTEMU_VERSION, "Print the version");
  app.footer(footer);
}

Result<std::unique_ptr<Target>> open_target(const Options &options) {
  if (!options.dump.empty()) return Target::open_dump(options.dump);
  if (options.pid) return Target::open_process(options.pid);
  auto client = machine::ControlClient::connect(options.machine, 0);
  if (!client) return Failure{client.error().text};
  const int pid = client->machine();
  if (pid <= 0) return Failure{"the machine's process cannot be seen from here"};
  return Target::open_process(pid);
}

bool run_commands(Session &session, const Options &options, Output &output) {
  bool succeeded = true;
  for (const std::string &line : options.commands) succeeded = run_line(session, line, output) && succeeded;
  return succeeded;
}

void run_input(Session &session, StandardOutput &writer, Output &output) {
  for (std::string line; !session.ended && std::getline(std::cin, line);) {
    writer.log_input(kPrompt, line);
    run_line(session, line, output);
    writer.flush();
  }
}

void run_prompt(Session &session, StandardOutput &writer, Output &output) {
  Prompt prompt;
  run_line(session, "vertarget", output);
  std::string last;
  while (!session.ended) {
    auto line = prompt.read();
    if (!line) break;
    if (line->find_first_not_of(' ') == line->npos) line = last;  // once more
    writer.log_input(kPrompt, *line);
    run_line(session, *line, output);
    writer.flush();
    last = *line;
  }
}

int run(const Options &options) {
  auto target = open_target(options);
  if (!target) {
    fmt::print(stderr, "kd: {}\n", target.error().text);
    return kFailed;
  }
  if (options.freeze) {
    if (const auto failure = (*target)->freeze()) {
      fmt::print(stderr, "kd: {}\n", failure->text);
      return kFailed;
    }
  }
  Session session(std::move(*target));
  StandardOutput writer;
  session.writer = &writer;
  TextOutput text(writer);
  JsonOutput json(writer);
  Output &output = options.json ? static_cast<Output &>(json) : text;
  if (!options.symbol_path.empty()) session.add_symbol_path(options.symbol_path);
  if (!options.commands.empty()) return run_commands(session, options, output) ? 0 : kFailed;
  if (isatty(STDIN_FILENO) && !options.json) {
    run_prompt(session, writer, output);
  } else {
    run_input(session, writer, output);
  }
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("kd: looks into a running machine, which runs on meanwhile, or into a dump", "kd");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) ? kMisused : 0;
  }
  return run(options);
}
