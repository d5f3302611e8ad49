#include "ntemu/machine/stop.h"

#include <signal.h>
#include <unistd.h>

#include "ntemu/base/log.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/bugcheck_callback.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/leave.h"

namespace ntemu::machine {
namespace {

// How long the report may take. It needs memory and locks that the thread may have had in its hands when it stopped.
constexpr unsigned kPatienceSeconds = 30;

std::filesystem::path &directory() {
  static auto *path = new std::filesystem::path;
  return *path;
}
char record_path[4096];

[[noreturn]] void give_up(int) {
  static constexpr char kText[] = "ntemu: the machine has stopped, and its report cannot be finished\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(ke::kBugcheckExitCode);
}

void limit_report() {
  signal(SIGALRM, give_up);
  signal(SIGABRT, give_up);  // of the C library, when it finds its heap damaged
  sigset_t limit;
  sigemptyset(&limit);
  sigaddset(&limit, SIGALRM);
  sigaddset(&limit, SIGABRT);
  pthread_sigmask(SIG_UNBLOCK, &limit, nullptr);
  alarm(kPatienceSeconds);
}

void tell(const std::string &line) { base::log(base::Level::kError, "bugcheck", "{}", line); }

void tell_callback(const ke::CalledBack &called) {
  tell(fmt::format("    callback {} of '{}'{}", ldr::symbolize(called.routine), called.component,
                   called.added ? fmt::format(", {} bytes for the dump", called.added) : ""));
}

void end_machine(const ke::Stop &stop) {
  limit_report();
  if (record_path[0]) record_bare_stop(record_path, stop.check);
  for (const std::string &line : describe_stop(stop)) tell(line);
  if (stop.thread) stop.thread->irql = HIGH_LEVEL;
  ke::run_bugcheck_callbacks(tell_callback);
  if (!directory().empty()) record_stop(directory(), stop.check, describe_fault_site(stop), {});
  kd::flush_debug_print();
  exit_now(ke::kBugcheckExitCode);
}

}  // namespace

void end_in_bugchecks(const std::filesystem::path &where) {
  directory() = where;
  const std::string path = where.empty() ? "" : (where / kLastStopName).string();
  record_path[path.copy(record_path, sizeof record_path - 1)] = 0;
  ke::end_machine = end_machine;
}

}  // namespace ntemu::machine
