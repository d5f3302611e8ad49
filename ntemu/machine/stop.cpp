#include "ntemu/machine/stop.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <csetjmp>

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

// How long a part of the end may take. It needs memory and locks that the thread may have had in its hands when it
// stopped.
constexpr unsigned kPatienceSeconds = 30, kShortSeconds = 3;
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

// The end is made of parts. One that faults, as memory may be damaged, or takes too long, does not keep the others from
// it.
jmp_buf next_part;
bool in_part = false, left_any = false;

void go_on() {
  if (!in_part) return;
  in_part = false;
  std::longjmp(next_part, 1);
}

[[noreturn]] void give_up() {
  static constexpr char kText[] = "ntemu: the machine has stopped, and its report cannot be finished\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(ke::kBugcheckExitCode);
}

pid_t reporter;

// SIGALRM, and SIGABRT of the C library when it finds its heap damaged.
void leave_part(int) {
  if (gettid() == reporter) {
    ke::leave_callback();
    go_on();
  }
  give_up();
}

// Gives this thread so much time from now on. By itself: another one may sleep on a stack that is not to be left.
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
  action.sa_handler = leave_part;
  action.sa_flags = SA_NODEFER;  // it may not return
  sigaction(SIGALRM, &action, nullptr);
  sigaction(SIGABRT, &action, nullptr);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, SIGALRM);
  sigaddset(&unblocked, SIGABRT);
  pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  limit(kPatienceSeconds);
}

// False when the part was left. It may have had locks, for which others then wait in vain: their time is short.
template <class Part>
__attribute__((noinline)) bool attempt(const Part &part) {
  if (setjmp(next_part) != 0) {
    left_any = true;
    return false;
  }
  in_part = true;
  limit(left_any ? kShortSeconds : kPatienceSeconds);
  part();
  in_part = false;
  return true;
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

void tell_special_pool(const ke::Stop &stop) {
  for (const ULONG_PTR parameter : stop.check.parameters) {
    const auto lines = vf::describe_special_pool_fault(reinterpret_cast<const void *>(parameter));
    for (const std::string &line : lines) tell("    " + line);
    if (!lines.empty()) break;
  }
}

// What comes first needs nothing that the thread may have had in its hands when it stopped.
void end_machine(const ke::Stop &stop) {
  limit_report();
  if (record_path[0]) record_bare_stop(record_path, stop.check);
  if (!attempt([&] { run_callbacks(stop); })) ke::thaw_world();
  static std::string dump, said;
  if (!attempt([&] { dump = write_dump(stop, said); })) ke::thaw_world();
  const bool told = attempt([&] {
    for (const std::string &line : describe_stop(stop)) tell(line);
  });
  if (!told) attempt([&] { tell("*** STOP: " + describe_check(stop.check)); });
  attempt([&] { tell_special_pool(stop); });
  attempt([&] {
    if (!said.empty()) tell(said);
    tell_callbacks();
  });
  static std::string site;
  attempt([&] { site = describe_fault_site(stop); });
  attempt([&] {
    if (!directory().empty()) record_stop(directory(), stop.check, site, dump);
  });
  attempt([&] { kd::flush_debug_print(); });
  attempt([&] { exit_now(ke::kBugcheckExitCode); });
  give_up();
}

}  // namespace

void end_in_bugchecks(const std::filesystem::path &where) {
  directory() = where;
  keep(where.empty() ? "" : (where / kLastStopName).string(), record_path);
  keep(where.empty() ? "" : (where / kd::kDumpName).string(), dump_path);
  ke::end_machine = end_machine;
  ke::go_on_ending = go_on;
}

}  // namespace ntemu::machine
