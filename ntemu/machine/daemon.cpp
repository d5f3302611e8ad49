#include "ntemu/machine/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "fs/dos_devices.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/wait.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/debug_log.h"
#include "ntemu/machine/device_operations.h"
#include "ntemu/machine/faults.h"
#include "ntemu/machine/inspect.h"
#include "ntemu/machine/last_stop.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/operations.h"
#include "ntemu/machine/services.h"
#include "ntemu/machine/supervisor.h"
#include "ntemu/machine/verify.h"
#include "ntemu/machine/win32_error.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;
using Steady = std::chrono::steady_clock;

// How long operations that are under way get when the machine is to end, and then the whole end.
constexpr std::chrono::seconds kOperationPatience{2};
constexpr std::chrono::seconds kEndPatience{20};

// Whether, and why, the machine is to end. Never destroyed: threads that outlive run_machine use it.
class StopRequest {
 public:
  void ask(std::string why) {
    {
      base::Guard guard(mutex_);
      if (why_.empty()) why_ = std::move(why);
    }
    asked_ = true;
    eventfd_write(event_, 1);
    ke::note_rest();
  }
  bool asked() const { return asked_; }
  std::string await() {
    eventfd_t count;
    while (eventfd_read(event_, &count) != 0) {
    }
    base::Guard guard(mutex_);
    return why_;
  }
  // A signal that comes again changes nothing: the end is bounded by itself.
  void watch_signals() {
    std::thread([this] {
      sigset_t signals;
      sigemptyset(&signals);
      for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
      for (int signal; sigwait(&signals, &signal) == 0;) ask(fmt::format("signal {} ({})", signal, strsignal(signal)));
    }).detach();
  }

 private:
  const int event_ = eventfd(0, EFD_CLOEXEC);
  std::atomic<bool> asked_{false};
  base::Mutex mutex_;
  std::string why_ NTEMU_GUARDED_BY(mutex_);
};

// Drivers' files, images and clients are descriptors.
void allow_many_descriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

class Daemon {
 public:
  explicit Daemon(const DaemonOptions &options) : options_(options) {}
  int run();

 private:
  std::optional<Error> boot();
  void mount();
  void start_services();
  Operations operations();
  json status();
  json count_services();
  // True unless what was started at boot still has not returned.
  bool services_have_started();
  int end(const std::string &why);
  json describe_leftovers() const;
  void note(base::Level level, const std::string &text) const {
    if (log_) log_->write(level, "machine", text);
  }

  const DaemonOptions &options_;
  StopRequest &stop_ = *new StopRequest;
  const Steady::time_point began_ = Steady::now();
  const pid_t supervisor_ = getppid();
  std::optional<DebugLog> log_;
  std::unique_ptr<Machine> machine_;
  std::optional<Services> services_;
  std::unique_ptr<ControlServer> control_;
  std::thread starter_;
  std::promise<void> start_ended_;
  std::atomic<bool> started_{false};      // what starts at boot has started
  std::unique_ptr<fs::DosDevices> view_;  // none for the reason in mount_problem_
  std::string mount_problem_;
};

std::optional<Error> Daemon::boot() {
  auto log = DebugLog::open(options_.directory / kDebugLogName);
  if (!log) return log.error();
  log_.emplace(std::move(*log));
  note(base::Level::kInfo, fmt::format("ntemu {} boots, process {}", NTEMU_VERSION, getpid()));
  if (const auto last = read_last_stop(options_.directory); last && !last->value("told", false)) {
    note(base::Level::kWarning, "the machine came to an unplanned end before: " + describe_last_stop(*last));
    note_told(options_.directory, *last);
  }
  std::function<void(std::string_view)> print;
  if (options_.print) {
    print = [](std::string_view line) {
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fputc('\n', stdout);
      std::fflush(stdout);
    };
  }
  // The machine lets go of its copy; ours ends with the process, so that who finds the lock free finds no process
  // either.
  const int lock = fcntl(options_.lock, F_DUPFD_CLOEXEC, 0);
  auto machine = Machine::boot({.directory = options_.directory,
                                .debug_print = std::move(print),
                                .message = {},
                                .debug_log = true,
                                .cpus = options_.cpus,
                                .lock = lock});
  if (!machine) return machine.error();
  machine_ = std::move(*machine);
  services_.emplace(*machine_);
  report_faults(options_.sanitizer_stops ? SanitizerReports::kStopAndLog : SanitizerReports::kAsTheyAre);
  mount();
  auto control = ControlServer::start(*machine_, operations(), [&stop = stop_] { stop.ask("'ntemu shutdown'"); });
  if (!control) {
    view_.reset();
    machine_->shut_down();
    return control.error();
  }
  control_ = std::move(*control);
  return std::nullopt;
}

void Daemon::mount() {
  const auto point = options_.directory / kMountName;
  std::error_code error;
  std::filesystem::create_directory(point, error);
  auto view = fs::DosDevices::mount(point, {.allow_other = options_.allow_other});
  if (view) {
    view_ = std::move(*view);
  } else {
    mount_problem_ = view.error().text;
    base::log(base::Level::kWarning, "machine", "the machine runs without a mount: {}", mount_problem_);
  }
}

// On a thread of its own: a DriverEntry that hangs must not keep the machine from being ready, and looked at.
void Daemon::start_services() {
  starter_ = std::thread([this] {
    services_->start_at_boot();
    started_ = true;
    start_ended_.set_value();
    ke::note_rest();
  });
  machine_->wait_until([this] { return started_ || stop_.asked() || machine_->load_hangs(); }, std::nullopt);
  if (started_) {
    starter_.join();
  } else if (!stop_.asked()) {
    base::log(base::Level::kWarning, "machine",
              "a driver that starts at boot hangs in its DriverEntry; the machine runs without those that follow it");
  }
}

bool Daemon::services_have_started() {
  if (!starter_.joinable()) return true;
  if (start_ended_.get_future().wait_for(kOperationPatience) != std::future_status::ready) return false;
  starter_.join();
  return true;
}

json Daemon::count_services() {
  const auto all = services_->enumerate();
  if (!all) return nullptr;
  const auto running = std::count_if(all->begin(), all->end(), [](const Services::Listed &service) {
    return service.status.state == ServiceState::kRunning;
  });
  return {{"total", all->size()}, {"running", running}};
}

json Daemon::status() {
  json status{{"ok", true},
              {"running", true},
              {"pid", getpid()},
              {"supervisor", nullptr},
              {"state", stop_.asked() ? "ending"
                        : started_    ? "running"
                                      : "starting"},
              {"version", NTEMU_VERSION},
              {"variant", NTEMU_VARIANT},
              {"directory", options_.directory.string()},
              {"uptime", std::chrono::duration<double>(Steady::now() - began_).count()},
              {"mount", nullptr},
              {"mount_problem", nullptr},
              {"drivers", machine_->drivers()},
              {"services", count_services()},
              {"log", (options_.directory / kDebugLogName).string()}};
  if (getppid() == supervisor_) status["supervisor"] = supervisor_;  // it may have been killed
  if (const auto last = read_last_stop(options_.directory)) {
    status["last_stop"] = *last;
    status["last_stop"]["text"] = describe_last_stop(*last);
  }
  if (mount_problem_.empty()) {
    status["mount"] = (options_.directory / kMountName).string();
  } else {
    status["mount_problem"] = mount_problem_;
  }
  return status;
}

Operations Daemon::operations() {
  Operations operations = drive_operations(*machine_);
  operations.merge(services_->operations());
  operations.merge(verifier_operations());
  operations.merge(device_operations(*machine_));
  operations["status"] = [this](const json &, const std::atomic<bool> &) { return status(); };
  operations["ready"] = [this](const json &, const std::atomic<bool> &) {
    machine_->wait_until([this] { return started_ || stop_.asked() || machine_->load_hangs(); }, std::nullopt);
    return json{{"ok", true}, {"pid", getpid()}};
  };
  return operations;
}

json Daemon::describe_leftovers() const {
  auto left = threads();
  std::erase_if(left, [](const ThreadView &thread) { return thread.kernel; });
  std::string text;
  for (const ThreadView &thread : left) text += "\n  " + describe(thread);
  return {{"ok", true},
          {"left", left.size()},
          {"text", fmt::format("{} of the drivers' threads could not be ended in order; their process has ended:{}",
                               left.size(), text)}};
}

int Daemon::end(const std::string &why) {
  note(base::Level::kInfo, "ends: " + why);
  std::thread([log = log_->duplicate()] {
    std::this_thread::sleep_for(kEndPatience);
    log.write(base::Level::kError, "machine", "did not end in order in time; its process is ended");
    exit_now(0);
  }).detach();
  bool idle = control_->stop(kOperationPatience);
  idle = services_have_started() && idle;
  json reply{{"ok", true}, {"left", 0}};
  view_.reset();
  const bool ended = idle && machine_->shut_down();
  if (!ended) {
    reply = describe_leftovers();
    if (!idle) reply["text"] = "an operation that was under way could not be ended in order; its process has ended";
    note(base::Level::kWarning, reply["text"]);
  }
  note(base::Level::kInfo, "has ended");
  control_->farewell(reply);
  if (!ended) exit_now(0);
  return 0;
}

int Daemon::run() {
  signal(SIGPIPE, SIG_IGN);  // output without a reader is lost; the machine goes on
  allow_many_descriptors();
  if (const auto error = boot()) {
    note(base::Level::kError, "cannot boot: " + error->text);
    options_.report(refusal(*error));
    return exit_code(win32_error(*error));
  }
  stop_.watch_signals();
  start_services();
  note(base::Level::kInfo, "is ready");
  options_.report({{"ok", true}, {"pid", getpid()}});
  return end(stop_.await());
}

}  // namespace

int run_machine(const DaemonOptions &options) {
  static Daemon *const daemon = new Daemon(options);  // outlives the threads that are left at the end
  return daemon->run();
}

}  // namespace ntemu::machine
