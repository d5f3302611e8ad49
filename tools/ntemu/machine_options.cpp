// The command lines of the subcommands that are about a machine that lives on.
#include <CLI/CLI.hpp>

#include "ntemu/machine/sanitizer_stops.h"
#include "tools/ntemu/commands.h"

namespace ntemu::tool {
namespace {

constexpr const char *kWhichMachine =
    "The machine is the one in --machine DIR, else in $NTEMU_MACHINE, else in ntemu/machine below $XDG_STATE_HOME or\n"
    "~/.local/state.";

void add_directory(CLI::App &command, std::filesystem::path &directory) {
  command.add_option("--machine", directory, "The machine's directory")->type_name("DIR");
}

void add_boot(CLI::App &app, Action &action, std::string &sanitizer) {
  auto *command = app.add_subcommand("boot", "Boot a machine that lives on after this command");
  auto options = std::make_shared<BootOptions>();
  add_directory(*command, options->machine);
  command->add_flag("--foreground", options->foreground,
                    "Stay, print what drivers print, and end the machine on Ctrl-C or SIGTERM");
  command->add_flag("--allow-other", options->allow_other, "Let other users use the mount DIR/DosDevices");
  command->add_option("--cpus", options->cpus, "Virtual processors, 1 to 64 (default: 2)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command->add_option("--sanitizer", sanitizer, "Use the runtime that is built with this sanitizer")
      ->check(CLI::IsMember({"asan", "tsan"}));
  command->add_flag("--sanitizer-stops", options->sanitizer_stops, kSanitizerStopsHelp);
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      std::string(kWhichMachine) +
      "\nReturns when the machine is ready: its drives mounted, its services started. Succeeds when it runs "
      "already.\nWhat it holds: DIR/hive.db (the registry), DIR/drive_c (C:), DIR/DosDevices (the mount), "
      "DIR/debug.log.");
  command->callback([options, &action] { action = [options] { return boot(*options); }; });
}

void add_power(CLI::App &app, Action &action) {
  auto *off = app.add_subcommand("shutdown", "End the machine, its drivers and its mount");
  auto options = std::make_shared<PowerOptions>();
  add_directory(*off, options->machine);
  off->add_flag("--json", options->json, "Print JSON");
  off->footer(
      std::string(kWhichMachine) +
      "\nReturns when its processes have ended and its mount is gone, also when a thread of a driver could not "
      "be\nended, which is said. Exit code 0 when no machine runs, because nothing is left to do, as 'ntemu boot' "
      "gives\nwhen one runs already.");
  off->callback([options, &action] { action = [options] { return shutdown(*options); }; });

  auto *state = app.add_subcommand("status", "Say whether the machine runs, and what is in it");
  auto asked = std::make_shared<PowerOptions>();
  add_directory(*state, asked->machine);
  state->add_flag("--json", asked->json, "Print JSON: \"running\", \"pid\" (the machine's process)...");
  state->footer(std::string(kWhichMachine) + "\nExit code 38 (ERROR_SERVICE_NOT_ACTIVE, 1062) when it does not run.");
  state->callback([asked, &action] { action = [asked] { return status(*asked); }; });

  auto *fresh = app.add_subcommand("reset", "Remove the registry, logs and leftovers of a machine that does not run");
  auto which = std::make_shared<ResetOptions>();
  add_directory(*fresh, which->machine);
  fresh->add_flag("--drive-c", which->drive_c, "Remove drive_c, with every file on C:, too");
  fresh->footer(std::string(kWhichMachine) +
                "\nKeeps drive_c unless told otherwise, and all that is not the machine's.");
  fresh->callback([which, &action] { action = [which] { return reset(*which); }; });
}

void add_logs(CLI::App &app, Action &action) {
  auto *command = app.add_subcommand("logs", "Print the machine's debug.log");
  auto options = std::make_shared<LogOptions>();
  add_directory(*command, options->machine);
  command->add_flag("-f,--follow", options->follow, "Go on with what is added, until Ctrl-C");
  command->footer(
      std::string(kWhichMachine) +
      "\nEach line: ISO-time cpu tid component level text. DbgPrint is shown at every level; Windows filters "
      "it.");
  command->callback([options, &action] { action = [options] { return logs(*options); }; });
}

void add_drives(CLI::App &app, Action &action) {
  auto *command = app.add_subcommand("drive", "Directories of the host as drives of a running machine");
  command->require_subcommand(1);
  command->footer(std::string(kWhichMachine) +
                  "\nThe machine's registry remembers them, below HKLM\\SYSTEM\\ntemu\\Drives, and they are mounted at "
                  "every boot.");
  struct Verb {
    const char *name;
    const char *help;
    int (*run)(const DriveOptions &);
  };
  for (const Verb &verb : {Verb{"add", "Make a directory a drive", drive_add},
                           Verb{"remove", "Take a drive away; its files stay", drive_remove},
                           Verb{"list", "List the drives", drive_list}}) {
    auto *each = command->add_subcommand(verb.name, verb.help);
    auto options = std::make_shared<DriveOptions>();
    const std::string name = verb.name;
    if (name != "list") each->add_option("letter", options->letter, "The drive, like D:")->required()->type_name("D:");
    if (name == "add") each->add_option("directory", options->directory, "The directory")->required()->type_name("DIR");
    if (name == "list") each->add_flag("--json", options->json, "Print JSON");
    add_directory(*each, options->machine);
    each->footer(kWhichMachine);
    each->callback([options, &action, run = verb.run] { action = [options, run] { return run(*options); }; });
  }
}

}  // namespace

std::optional<std::string> refuse_sanitizer_stops(bool asked) {
  if (!asked || machine::has_sanitizer()) return std::nullopt;
  return "--sanitizer-stops needs a runtime with a sanitizer: a driver of 'ntcc --asan' or '--tsan', or --sanitizer";
}

void add_machine_commands(CLI::App &app, Action &action, std::string &sanitizer) {
  add_boot(app, action, sanitizer);
  add_power(app, action);
  add_logs(app, action);
  add_drives(app, action);
}

}  // namespace ntemu::tool
