#include "ntemu/machine/supervisor.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "fs/dos_devices.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/debug_log.h"
#include "ntemu/machine/last_stop.h"

namespace ntemu::machine {
namespace {

namespace stdfs = std::filesystem;

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  return signals;
}

[[noreturn]] void be_machine(pid_t supervisor, const std::function<int()> &machine) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != supervisor) raise(SIGTERM);  // it died before the line above; the signal is blocked and waits
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_UNBLOCK, &child_signal, nullptr);
  std::exit(machine());
}

int await_end(pid_t machine, const sigset_t &signals) {
  for (;;) {
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal > 0 && signal != SIGCHLD) kill(machine, signal);
    int status;
    if (waitpid(machine, &status, WNOHANG) == machine) return status;
  }
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  return code == ke::kBugcheckExitCode ? fmt::format("by a bugcheck (exit code {})", code)
                                       : fmt::format("with exit code {}", code);
}

void remove_links_to(const stdfs::path &socket) {
  std::error_code ignored;
  for (const auto &entry : stdfs::directory_iterator(runtime_directory(), ignored)) {
    if (stdfs::read_symlink(entry.path(), ignored) == socket) stdfs::remove(entry.path(), ignored);
  }
}

}  // namespace

void clean_up(const stdfs::path &directory) {
  std::error_code ignored;
  fs::detach_stale_mount(directory / kMountName);
  stdfs::remove(directory / kSocketName, ignored);
  remove_links_to(directory / kSocketName);
  stdfs::remove_all(directory / "images", ignored);
}

int supervise(const stdfs::path &directory, const std::function<int()> &machine, const std::function<void()> &forked) {
  const sigset_t signals = watched_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child == 0) be_machine(self, machine);
  forked();
  if (child < 0) return 1;
  const int status = await_end(child, signals);
  clean_up(directory);
  if (WIFSIGNALED(status) || WEXITSTATUS(status) == ke::kBugcheckExitCode)
    record_end(directory, child, describe_end(status));
  if (auto log = DebugLog::open(directory / kDebugLogName)) {
    const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    log->write(well ? base::Level::kInfo : base::Level::kError, "supervisor",
               fmt::format("machine {} ended {}", child, describe_end(status)));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace ntemu::machine
