// kd: looks into a running machine, or into a dump of one.
#include <fmt/format.h>
#include <libelf.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "ntemu/machine/control.h"
#include "ntemu/machine/locate.h"
#include "tools/kd/commands.h"

namespace {

using namespace ntemu;
using namespace ntemu::debug;

class StandardOutput : public Writer {
 public:
  void write(std::string_view text) override { std::fwrite(text.data(), 1, text.size(), stdout); }
};

struct Options {
  std::string machine, dump, commands;
  int pid = 0;
  bool json = false, freeze = false;
};

Result<std::unique_ptr<Target>> open_target(const Options &options) {
  if (!options.dump.empty()) return Target::open_dump(options.dump);
  if (options.pid) return Target::open_process(options.pid);
  auto client = machine::ControlClient::connect(options.machine, 0);
  if (!client) return Failure{client.error().text};
  return Target::open_process(client->machine());
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("Looks into a running machine, which goes on meanwhile, or into a dump.");
  Options options;
  app.add_option("-m,--machine", options.machine, "The machine's directory")->type_name("DIR");
  app.add_option("-p,--pid", options.pid, "The machine's process id")->type_name("PID");
  app.add_option("-z,--dump", options.dump, "A dump")->type_name("FILE");
  app.add_option("-c,--command", options.commands, "Run these commands, with ; between them, and end")
      ->type_name("COMMANDS");
  app.add_flag("--json", options.json, "Print JSON: one object a command, each on a line");
  app.add_flag("--freeze", options.freeze, "Stop the machine's threads while kd runs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) ? 2 : 0;
  }
  elf_version(EV_CURRENT);
  auto target = open_target(options);
  if (!target) {
    fmt::print(stderr, "kd: {}\n", target.error().text);
    return 1;
  }
  if (options.freeze) {
    if (const auto failure = (*target)->freeze()) {
      fmt::print(stderr, "kd: {}\n", failure->text);
      return 1;
    }
  }
  Session session(std::move(*target));
  StandardOutput writer;
  TextOutput text(writer);
  JsonOutput json(writer);
  Output &output = options.json ? static_cast<Output &>(json) : text;
  bool succeeded = true;
  if (!options.commands.empty()) {
    succeeded = run_line(session, options.commands, output);
  } else {
    for (std::string line; !session.ended && std::getline(std::cin, line);) run_line(session, line, output);
  }
  return succeeded ? 0 : 1;
}
