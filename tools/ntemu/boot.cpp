// ntemu boot: a machine that lives on in the background, or in the foreground until it is told to end.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "nt/status.h"
#include "ntemu/machine/daemon.h"
#include "ntemu/machine/locate.h"
#include "ntemu/machine/place.h"
#include "ntemu/machine/supervisor.h"
#include "ntemu/machine/win32_error.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

int say_it_runs(const BootOptions &options, const std::filesystem::path &directory, int pid, bool booted) {
  if (options.json) {
    std::puts(
        json{{"running", true}, {"booted", booted}, {"pid", pid}, {"directory", directory.string()}}.dump().c_str());
  } else {
    fmt::print("the machine in {} {}, process {}\n", directory.string(), booted ? "runs" : "runs already", pid);
  }
  std::fflush(stdout);
  return 0;
}

// The process id of the machine that runs in `directory`, once it is ready; nullopt when none does.
std::optional<int> running_machine(const std::filesystem::path &directory) {
  auto client = machine::ControlClient::connect(directory, 0);
  if (!client) return std::nullopt;
  const auto status = client->exchange("status", json::object());
  // A machine of 'ntemu run' knows no "ready", and needs none.
  if (!status || !client->exchange("ready", json::object())) return std::nullopt;
  return status->value("pid", 0);
}

// Either the lock of the directory, or the process id of the machine that runs there.
struct Claim {
  int lock = -1;
  int pid = 0;
};

// Somebody who has the lock and does not answer boots, or ends; neither takes long.
Outcome<Claim> claim(const std::filesystem::path &directory) {
  if (auto error = machine::make_machine_directory(directory)) return *error;
  const auto began = Steady::now();
  for (bool told = false;;) {
    if (const auto pid = running_machine(directory)) return Claim{-1, *pid};
    auto lock = machine::occupy(directory);
    if (lock) return Claim{*lock, 0};
    const auto waited = Steady::now() - began;
    if (lock.error().status != STATUS_SHARING_VIOLATION) return lock.error();
    if (waited > 10s)
      return Error{STATUS_SHARING_VIOLATION,
                   fmt::format("{} is in use by a process that does not answer", directory.string())};
    if (waited > 1s && !told) {
      fmt::print(stderr, "ntemu: another process boots or ends the machine in {}; waiting for it\n",
                 directory.string());
      told = true;
    }
    std::this_thread::sleep_for(10ms);
  }
}

void detach_standard_streams() {
  std::fflush(nullptr);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  if (null > STDERR_FILENO) close(null);
}

// Whatever else the caller had open would stay open as long as the machine lives.
void close_all_but(int a, int b) {
  const auto low = static_cast<unsigned>(std::min(a, b)), high = static_cast<unsigned>(std::max(a, b));
  if (low > 3) close_range(3, low - 1, 0);
  if (high > low + 1) close_range(low + 1, high - 1, 0);
  close_range(high + 1, ~0U, 0);
}

// Until its end, or the end of the other side.
std::string read_line(int fd) {
  std::string line;
  char buffer[4096];
  while (!line.ends_with('\n')) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    line.append(buffer, static_cast<size_t>(got));
  }
  return line;
}

Error read_error(const json &reply) {
  const auto status = std::strtoul(reply.value("ntstatus", "0").c_str(), nullptr, 16);
  return {static_cast<NTSTATUS>(status), reply.value("error", ""), reply.value("win32", 0U)};
}

int report_outcome(const BootOptions &options, const std::filesystem::path &directory, const json &outcome) {
  if (outcome.value("ok", false)) return say_it_runs(options, directory, outcome.value("pid", 0), true);
  return fail(read_error(outcome), options.json, {{"running", false}, {"directory", directory.string()}});
}

int boot_in_foreground(const BootOptions &options, machine::DaemonOptions daemon) {
  daemon.print = true;
  daemon.report = [&](const json &outcome) { report_outcome(options, daemon.directory, outcome); };
  return machine::supervise(daemon.directory, [&] {
    setsid();  // the terminal's Ctrl-C is for the supervisor alone, which passes it on
    return machine::run_machine(daemon);
  });
}

[[noreturn]] void be_supervisor(machine::DaemonOptions daemon, int outcome) {
  setsid();
  if (chdir("/") != 0) _exit(1);
  close_all_but(daemon.lock, outcome);
  daemon.report = [outcome](const json &result) {
    const std::string line = result.dump() + "\n";
    if (write(outcome, line.data(), line.size()) < 0) return;
    detach_standard_streams();
    close(outcome);
  };
  _exit(machine::supervise(
      daemon.directory, [&] { return machine::run_machine(daemon); },
      [&] {
        detach_standard_streams();
        close(outcome);
      }));
}

int boot_in_background(const BootOptions &options, const machine::DaemonOptions &daemon) {
  int outcome[2];
  if (pipe2(outcome, O_CLOEXEC) != 0) return fail({STATUS_INSUFFICIENT_RESOURCES, "cannot make a pipe"});
  const pid_t supervisor = fork();
  if (supervisor == 0) be_supervisor(daemon, outcome[1]);
  close(outcome[1]);
  close(daemon.lock);
  if (supervisor < 0) return fail({STATUS_INSUFFICIENT_RESOURCES, "cannot start a process"});
  const json result = json::parse(read_line(outcome[0]), nullptr, false);
  if (result.is_object() && result.value("ok", false)) return report_outcome(options, daemon.directory, result);
  int status = 0;
  waitpid(supervisor, &status, 0);  // the directory is free then
  if (result.is_object()) return report_outcome(options, daemon.directory, result);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  fmt::print(stderr, "ntemu: the machine ended while it booted, with exit code {}; see {}\n", code,
             (daemon.directory / "debug.log").string());
  return code ? code : 1;
}

}  // namespace

int boot(const BootOptions &options) {
  const auto directory = machine::machine_directory(options.machine);
  if (const auto why = refuse_sanitizer_stops(options.sanitizer_stops))
    return fail({STATUS_NOT_SUPPORTED, *why}, options.json, {{"running", false}, {"directory", directory.string()}});
  const auto claimed = claim(directory);
  if (!claimed) return fail(claimed.error(), options.json, {{"running", false}, {"directory", directory.string()}});
  if (claimed->pid) return say_it_runs(options, directory, claimed->pid, false);
  machine::clean_up(directory);  // of a machine that was killed together with its supervisor
  const machine::DaemonOptions daemon{.directory = directory,
                                      .lock = claimed->lock,
                                      .allow_other = options.allow_other,
                                      .cpus = options.cpus,
                                      .sanitizer_stops = options.sanitizer_stops,
                                      .report = {}};
  return options.foreground ? boot_in_foreground(options, daemon) : boot_in_background(options, daemon);
}

}  // namespace ntemu::tool
