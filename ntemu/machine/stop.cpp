#include "ntemu/machine/stop.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "ntemu/base/log.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/kd/dump.h"
#include "ntemu/ke/bugcheck_callback.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/leave.h"
#include "ntemu/vf/special_pool.h"

namespace ntemu::machine {
namespace {

// How long the report may take. It needs memory and locks that the thread may have had in its hands when it stopped.
constexpr unsigned kPatienceSeconds = 30;
// How long the drivers' callbacks may take: one may want a lock of a thread that is stopped.
constexpr unsigned kCallbackSeconds = 5;

std::filesystem::path &directory() {
  static auto *path = new std::filesystem::path;
  return *path;
}
char record_path[4096], dump_path[4096];

template <size_t Size>
void keep(const std::string &path, char (&in)[Size]) {
  in[path.copy(in, Size - 1)] = 0;
}

[[noreturn]] void give_up(int) {
  static constexpr char kText[] = "ntemu: the machine has stopped, and its report cannot be finished\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(ke::kBugcheckExitCode);
}

pid_t reporter;

void out_of_time(int) {
  if (gettid() == reporter) ke::leave_callback();
  give_up(SIGALRM);
}

// Gives this thread as much time from now on. To itself: another one may sleep on a stack that is not to be left.
void limit(unsigned seconds) {
  static timer_t timer;
  static const bool made = [] {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGALRM;
    event._sigev_un._tid = reporter;  // glibc has no other name for it
    return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
  }();
  const itimerspec time{{}, {static_cast<time_t>(seconds), 0}};
  if (!made || timer_settime(timer, 0, &time, nullptr) != 0) alarm(seconds);
}

void limit_report() {
  reporter = gettid();
  struct sigaction action {};
  action.sa_handler = out_of_time;
  action.sa_flags = SA_NODEFER;  // it may not return
  sigaction(SIGALRM, &action, nullptr);
  signal(SIGABRT, give_up);  // of the C library, when it finds its heap damaged
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, SIGALRM);
  sigaddset(&unblocked, SIGABRT);
  pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  limit(kPatienceSeconds);
}

void tell(const std::string &line) { base::log(base::Level::kError, "bugcheck", "{}", line); }

struct {
  ke::CalledBack rows[64];
  size_t count;
} called_back;

// With every other thread stopped, one of which may have the locks that telling of it needs.
void run_callbacks(const ke::Stop &stop) {
  ke::FrozenWorld frozen;
  const bool stopped = ke::freeze_world(nullptr, stop.trap, frozen);
  const KIRQL before = stop.thread ? stop.thread->irql : KIRQL{PASSIVE_LEVEL};
  if (stop.thread) stop.thread->irql = HIGH_LEVEL;
  limit(kCallbackSeconds);
  ke::run_bugcheck_callbacks([](const ke::CalledBack &called) {
    if (called_back.count < std::size(called_back.rows)) called_back.rows[called_back.count++] = called;
  });
  limit(kPatienceSeconds);
  if (stop.thread) stop.thread->irql = before;  // what it was at the stop is what there is to tell
  if (stopped) ke::thaw_world();
}

void tell_callbacks() {
  for (size_t i = 0; i < called_back.count; ++i) {
    const ke::CalledBack &called = called_back.rows[i];
    tell(fmt::format("    callback {} of '{}'{}{}", ldr::symbolize(called.routine), called.component,
                     called.added ? fmt::format(", {} bytes for the dump", called.added) : "",
                     called.returned ? "" : ", which did not return"));
  }
}

// The machine's memory and its threads, as they are now. `said`: what there is to say of it.
std::string write_dump(const ke::Stop &stop, std::string &said) {
  if (!dump_path[0]) return {};
  const kd::DumpResult dump = kd::write_bugcheck_dump(dump_path, stop.check, &stop.trap);
  // What follows needs locks that others may hold: they go on for that long, as far as ke::bugcheck lets them.
  ke::thaw_world();
  said = dump.error != 0 ? fmt::format("    no dump: {}", dump.message.text())
                         : fmt::format("    dump: {}, {} threads, {} MB of {} MB stored", dump_path, dump.threads,
                                       dump.stored_bytes >> 20, dump.bytes >> 20);
  return dump.error != 0 ? "" : dump_path;
}

// What comes first needs nothing that the thread may have had in its hands when it stopped.
void end_machine(const ke::Stop &stop) {
  limit_report();
  if (record_path[0]) record_bare_stop(record_path, stop.check);
  run_callbacks(stop);
  std::string said;
  const std::string dump = write_dump(stop, said);
  for (const std::string &line : describe_stop(stop)) tell(line);
  for (const ULONG_PTR parameter : stop.check.parameters) {
    const auto lines = vf::describe_special_pool_fault(reinterpret_cast<const void *>(parameter));
    for (const std::string &line : lines) tell("    " + line);
    if (!lines.empty()) break;
  }
  if (!said.empty()) tell(said);
  tell_callbacks();
  if (!directory().empty()) record_stop(directory(), stop.check, describe_fault_site(stop), dump);
  kd::flush_debug_print();
  exit_now(ke::kBugcheckExitCode);
}

}  // namespace

void end_in_bugchecks(const std::filesystem::path &where) {
  directory() = where;
  keep(where.empty() ? "" : (where / kLastStopName).string(), record_path);
  keep(where.empty() ? "" : (where / kd::kDumpName).string(), dump_path);
  ke::end_machine = end_machine;
}

}  // namespace ntemu::machine
