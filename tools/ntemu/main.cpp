// ntemu: boots machines, runs drivers, and looks at running machines.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "nt/status.h"
#include "ntemu/ldr/image.h"
#include "tools/layout.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace {

using namespace ntemu::tool;

// Runs the same command line with another program or under another one; returns only on failure.
int replace_process(const std::vector<std::string> &arguments) {
  std::vector<char *> raw;
  raw.reserve(arguments.size() + 1);
  for (const std::string &argument : arguments) raw.push_back(const_cast<char *>(argument.c_str()));
  raw.push_back(nullptr);
  execvp(raw[0], raw.data());
  fmt::print(stderr, "ntemu: cannot run {}: {}\n", raw[0], std::strerror(errno));
  return 127;
}

std::filesystem::path own_path() { return std::filesystem::read_symlink("/proc/self/exe"); }

// An instrumented driver needs the runtime that is instrumented alike.
std::optional<std::filesystem::path> other_runtime(const std::filesystem::path &driver, std::string variant) {
  if (variant == NTEMU_VARIANT) return std::nullopt;
  if (variant.empty()) variant = ntemu::ldr::missing_sanitizer(driver);
  if (variant.empty()) return std::nullopt;
  const auto program = runtime_directory(variant) / "ntemu";
  if (!std::filesystem::exists(program)) return std::nullopt;
  return program;
}

std::vector<std::string> rest_of(int argc, char **argv, std::string_view without) {
  std::vector<std::string> rest;
  for (int i = 1; i < argc; ++i) {
    if (argv[i] != without) rest.emplace_back(argv[i]);
  }
  return rest;
}

std::vector<std::string> command_line(const std::filesystem::path &program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program.string());
  return arguments;
}

int run_command(const RunOptions &options, const std::string &sanitizer, bool gdb, int argc, char **argv) {
  const auto other = other_runtime(options.driver, sanitizer);
  if (!gdb && !other) return run(options);
  std::vector<std::string> command;
  if (gdb) {
    // gdb asks whether SIGINT is to be passed on.
    for (const char *line : {"set breakpoint pending on", "break DriverEntry", "set confirm off", "handle SIGINT pass",
                             "set confirm on", "run"})
      command.insert(command.end(), {"-ex", line});
    command.insert(command.begin(), "gdb");
    command.push_back("--args");
  }
  command.push_back(other.value_or(own_path()).string());
  for (std::string &argument : rest_of(argc, argv, "--gdb")) command.push_back(std::move(argument));
  return replace_process(command);
}

void add_machine_options(CLI::App &command, ClientOptions &options) {
  auto *directory = command.add_option("--machine", options.machine, "The machine's directory")->type_name("DIR");
  command.add_option("--pid", options.pid, "The machine's process id")->excludes(directory);
  command.add_flag("--json", options.json, "Print JSON");
}

void add_duration(CLI::App &command, const std::string &name, std::optional<std::chrono::milliseconds> &value,
                  const std::string &help) {
  command
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string &text) {
            value = parse_duration(text);
            if (!value) throw CLI::ValidationError(name, "'" + text + "' is not a duration like 250ms, 2s or 30m");
          },
          help)
      ->type_name("TIME");
}

// Help and the version end with 0, a wrong command line with what ERROR_INVALID_PARAMETER gives.
int leave(const CLI::App &app, const CLI::ParseError &error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const auto unknown = app.remaining();
  const std::string text = unknown.empty() ? error.what() : fmt::format("unknown subcommand '{}'", unknown.front());
  fmt::print(stderr, "ntemu: {}\nRun with --help for more information.\n", text);
  constexpr int kInvalidParameter = 87;
  return kInvalidParameter;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app{"ntemu: a small NT kernel that runs Windows driver source on Linux", "ntemu"};
  app.set_version_flag("--version", "ntemu " NTEMU_VERSION " (" NTEMU_VARIANT ")");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 on success, otherwise the low byte of the Win32 error (1 if that byte is 0); 188 after a "
      "bugcheck.");

  RunOptions run_options;
  bool gdb = false;
  std::string sanitizer;
  auto *run_app = app.add_subcommand("run", "Load a driver, wait until its threads are done, and unload it");
  run_app->add_option("driver", run_options.driver, "The driver's image, made by ntcc")
      ->required()
      ->type_name("FILE.sys");
  run_app
      ->add_option("--machine", run_options.machine,
                   "Keep the machine here; DIR/drive_c is C: (default: all in memory)")
      ->type_name("DIR");
  run_app->add_option("--name", run_options.name, "The driver's service name (default: the file's name)");
  run_app->add_option("--mkdir", run_options.make_directories, "Make this directory on C: first, e.g. --mkdir Temp")
      ->type_name("PATH")
      ->allow_extra_args(false);
  add_duration(*run_app, "--for", run_options.time, "Unload after this time even if threads are left (250ms, 2s, 30m)");
  run_app->add_option("--cpus", run_options.cpus, "Virtual processors, 1 to 64 (default: 2)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  run_app->add_flag("--trace", run_options.trace, "Print every kernel API call");
  run_app->add_flag("--json", run_options.json, "Print the result as JSON");
  run_app
      ->add_option("--sanitizer", sanitizer,
                   "Use the runtime that is built with this sanitizer (default: as the driver is)")
      ->check(CLI::IsMember({"asan", "tsan"}));
  run_app->add_flag("--sanitizer-stops", run_options.sanitizer_stops, kSanitizerStopsHelp);
  run_app->add_flag("--gdb", gdb, "Run under gdb, stopped at DriverEntry");
  run_app->footer(
      "Prints what the driver prints with DbgPrint. A driver whose threads all wait with nothing to wake them is "
      "reported\n"
      "as a hang, thread by thread, with exit code 107. Ctrl-C unloads; a second one ends the process at once.");

  ClientOptions thread_options;
  auto *threads_app =
      app.add_subcommand("threads", "List a running machine's threads: what they wait for and who owns it");
  add_machine_options(*threads_app, thread_options);

  DeadlockOptions deadlock_options;
  auto *deadlocks_app = app.add_subcommand(
      "deadlocks", "Show which threads of a running machine wait for each other, and which lock orders contradict");
  add_machine_options(*deadlocks_app, deadlock_options);
  deadlocks_app->add_flag("--dot", deadlock_options.dot, "Print a graph for Graphviz");

  WaitOptions wait_options;
  auto *wait_app =
      app.add_subcommand("wait", "Wait until a machine's drivers have come to rest, or until threads wait as told");
  add_machine_options(*wait_app, wait_options);
  add_duration(*wait_app, "--timeout", wait_options.timeout, "Give up after this time (exit code 2)");
  wait_app->add_option("--threads", wait_options.threads, "Until at least N of the drivers' threads wait")
      ->type_name("N");
  wait_app->add_option("--reason", wait_options.reason, "... for this reason, e.g. WrFastMutex");
  wait_app->add_option("--start", wait_options.start, "... and started at a routine of this name");

  IoctlOptions ioctl_options;
  auto *ioctl_app = app.add_subcommand("ioctl", "Send a device control request to a device of a running machine");
  ioctl_app
      ->add_option("device", ioctl_options.device,
                   "The device's name: \\Device\\X as the driver has it, \\\\.\\X or X by its symbolic link")
      ->required()
      ->type_name("DEVICE");
  ioctl_app->add_option("code", ioctl_options.code, "The control code, like 0x222000")->required()->type_name("CODE");
  auto *input = ioctl_app->add_option("--input", ioctl_options.input, "The input's bytes in hexadecimal");
  input->type_name("HEX");
  ioctl_app->add_option("--input-file", ioctl_options.input_file, "Read the input from this file")
      ->excludes(input)
      ->type_name("FILE");
  ioctl_app->add_option("--output-length", ioctl_options.output_length, "Bytes of room for the output (default: 0)")
      ->type_name("N");
  add_machine_options(*ioctl_app, ioctl_options);
  ioctl_app->footer(
      "Opens the device in a system thread of the machine, and sends the request there; prints its status and\n"
      "what came back. Waits until it is completed: Ctrl-C ends the command, not the request. The exit code is that "
      "of\n"
      "the status; 188 when the machine stopped meanwhile.");

  DumpOptions dump_options;
  auto *dump_app = app.add_subcommand("dump", "Write the memory and the threads of a running machine to a file");
  add_machine_options(*dump_app, dump_options);
  dump_app
      ->add_option("--output", dump_options.output,
                   "The file (default: MEMORY.DMP in the machine's directory, or here when it is in memory)")
      ->type_name("FILE");
  dump_app->add_option("--keep", dump_options.keep, "Older dumps to keep, as FILE.1, FILE.2... (default: 3)")
      ->check(CLI::Range(0, 99))
      ->type_name("N");
  dump_app->add_flag("--live", dump_options.live,
                     "Fail, rather than dump from outside, when the machine does not answer");
  add_duration(*dump_app, "--timeout", dump_options.timeout,
               "How long the machine may take to answer (default: 5s) before it is dumped from outside");
  dump_app->footer(
      "The machine goes on; it stands still only while its memory is forked. The file is an ELF core file for gdb, "
      "lldb\n"
      "and eu-stack. A machine that does not answer is stopped with ptrace until the dump is written.");

  Action action;
  std::string boot_sanitizer;
  add_machine_commands(app, action, boot_sanitizer);
  add_project_commands(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return leave(app, error);
  }
  if (!boot_sanitizer.empty() && boot_sanitizer != NTEMU_VARIANT) {
    if (const auto other = other_runtime({}, boot_sanitizer))
      return replace_process(command_line(*other, rest_of(argc, argv, "")));
    return fail({STATUS_NOT_FOUND, fmt::format("there is no runtime built with {} here", boot_sanitizer)});
  }
  if (action) return action();
  if (*run_app) return run_command(run_options, sanitizer, gdb, argc, argv);
  if (*threads_app) return threads(thread_options);
  if (*dump_app) return dump(dump_options);
  if (*ioctl_app) return send_ioctl(ioctl_options);
  if (*deadlocks_app) return deadlocks(deadlock_options);
  return wait(wait_options);
}
