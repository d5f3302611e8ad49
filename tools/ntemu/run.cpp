// ntemu run: one driver, from load to unload, in a machine of its own.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "nt/status.h"
#include "ntemu/api/enter.h"
#include "ntemu/include/ntemu/machine.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/device_operations.h"
#include "ntemu/machine/duration.h"
#include "ntemu/machine/faults.h"
#include "ntemu/machine/inspect.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/stop.h"
#include "ntemu/machine/verify.h"
#include "ntemu/machine/win32_error.h"
#include "tools/ntemu/commands.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;

// How long a DriverEntry gets to return once the machine is to end.
constexpr std::chrono::seconds kUnloadPatience{2};

// Turns SIGINT, SIGTERM and SIGHUP into an orderly end; a second one ends the process at once.
class Interruption {
 public:
  Interruption() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    signal(SIGPIPE, SIG_IGN);  // output without a reader is lost; the machine still has to be left in order
  }
  void watch(Machine &machine) {
    std::thread([this, &machine] {
      int signal;
      sigwait(&signals_, &signal);
      happened_ = true;
      std::fputs("ntemu: interrupted; unloading (once more to end at once)\n", stderr);
      machine.interrupt_waits();
      sigwait(&signals_, &signal);
      machine::exit_now(128 + signal);
    }).detach();
  }
  bool happened() const { return happened_; }

 private:
  sigset_t signals_;
  std::atomic<bool> happened_{false};
};

std::vector<machine::ThreadView> driver_threads() {
  auto views = machine::threads();
  std::erase_if(views, [](const machine::ThreadView &view) { return view.kernel; });
  return views;
}

struct Report {
  std::string driver;
  std::string result = "done";  // done, hang, time, interrupted, failed
  uint32_t error = 0;           // Win32
  int32_t status = 0;           // NTSTATUS
  std::string text;
  std::vector<machine::ThreadView> threads;
};

int finish(const RunOptions &options, const Report &report) {
  if (options.json) {
    std::puts(json{{"driver", report.driver},
                   {"result", report.result},
                   {"win32_error", report.error},
                   {"ntstatus", fmt::format("0x{:08X}", static_cast<uint32_t>(report.status))},
                   {"text", report.text},
                   {"threads", json::parse(machine::to_json(report.threads))}}
                  .dump()
                  .c_str());
  } else {
    if (!report.text.empty()) fmt::print(stderr, "ntemu: {}\n", report.text);
    for (const auto &thread : report.threads) fmt::print(stderr, "  {}\n", machine::describe(thread));
  }
  return machine::exit_code(report.error);
}

Report failure(const RunOptions &options, const Error &error) {
  const uint32_t code = machine::win32_error(error.status);
  const std::string_view meaning = machine::win32_error_text(code);
  return {.driver = options.driver.stem().string(),
          .result = "failed",
          .error = code,
          .status = error.status,
          .text = fmt::format("{} (error {}{}{})", error.text, code, meaning.empty() ? "" : ": ", meaning),
          .threads = {}};
}

void describe_rest(Report &report, Rest rest, bool interrupted, const RunOptions &options) {
  report.threads = driver_threads();
  if (rest == Rest::kDone) return;
  if (interrupted) {
    report.result = "interrupted";
    report.error = machine::kErrorCancelled;
    report.text = fmt::format("interrupted while {} of the driver's threads were left", report.threads.size());
  } else if (rest == Rest::kWaiting) {
    report.result = "hang";
    report.text = fmt::format("every thread of {} waits, and nothing will wake them:", report.driver);
  } else if (options.time) {
    report.result = "time";
    report.text = fmt::format("{} threads of {} are left after {}:", report.threads.size(), report.driver,
                              machine::format_duration(options.time->count() * base::kNtPerMillisecond));
  }
}

// Threads that waited only for their driver's unload are no hang: they get a moment to end.
void unload(Machine &machine, Report &report, Interruption &interruption) {
  auto unloaded = machine.unload(report.driver);
  if (!unloaded && report.result == "done") {
    report.text = fmt::format("{}: it stays loaded until the machine ends", unloaded.error().text);
  } else if (unloaded && unloaded->pending && report.result == "done") {
    report.text = fmt::format("DriverUnload of {} has not run: a device of it is still open", report.driver);
  }
  const bool stuck = report.result == "hang" && machine.wait_for_rest(kUnloadPatience) != Rest::kDone;
  if (report.result == "hang" && !stuck) {
    report = {.driver = report.driver, .text = {}, .threads = {}};
  } else if (stuck && !interruption.happened()) {
    report.error = machine::kErrorPossibleDeadlock;
  }
}

// A bugcheck ends the process wherever it happens; these say what to print of it.
const char *current_driver;
void (*end_machine)(const ke::Stop &);

void end_with_json(const ke::Stop &stop) {
  kd::flush_debug_print();
  auto parameters = json::array();
  for (const ULONG_PTR parameter : stop.check.parameters) parameters.push_back(fmt::format("{:#x}", parameter));
  std::puts(json{{"driver", current_driver},
                 {"result", "bugcheck"},
                 {"bugcheck",
                  {{"code", fmt::format("0x{:08X}", stop.check.code)},
                   {"name", ke::bugcheck_name(stop.check.code)},
                   {"parameters", parameters},
                   {"at", machine::describe_fault_site(stop)}}}}
                .dump()
                .c_str());
  end_machine(stop);
}

}  // namespace

int run(const RunOptions &options) {
  if (const auto why = refuse_sanitizer_stops(options.sanitizer_stops))
    return finish(options, failure(options, {STATUS_NOT_SUPPORTED, *why}));
  Interruption interruption;
  auto booted = Machine::boot({.directory = options.machine,
                               .debug_print =
                                   [](std::string_view line) {
                                     std::fwrite(line.data(), 1, line.size(), stdout);
                                     std::fputc('\n', stdout);
                                     std::fflush(stdout);
                                   },
                               .message = {},
                               .cpus = options.cpus});
  if (!booted) return finish(options, failure(options, booted.error()));
  Machine &machine = **booted;
  machine::report_faults(options.sanitizer_stops ? machine::SanitizerReports::kStop
                                                 : machine::SanitizerReports::kAsTheyAre);
  for (const std::string &path : options.make_directories) {
    if (const auto error = machine.make_directory(path)) return finish(options, failure(options, *error));
  }
  const std::string name = options.name.empty() ? options.driver.stem().string() : options.name;
  if (options.json) {
    current_driver = name.c_str();
    end_machine = std::exchange(ke::end_machine, end_with_json);
  }
  interruption.watch(machine);
  auto operations = machine::verifier_operations();
  operations.merge(machine::device_operations(machine));
  auto control = machine::ControlServer::start(machine, std::move(operations));
  if (!control)
    fmt::print(stderr, "ntemu: {}; 'ntemu threads' and 'ntemu wait' cannot reach this machine\n", control.error().text);
  if (options.trace) api::hooks.fetch_or(api::kTrace);

  // On a thread of its own: a DriverEntry that hangs is reported like any other hang.
  std::promise<Outcome<std::string>> promise;
  auto loaded = promise.get_future();
  std::thread loader([&] {
    promise.set_value(machine.load(options.driver, {.service = options.name}));
    ke::note_rest();
  });
  const auto began = std::chrono::steady_clock::now();
  Report report{.driver = name, .text = {}, .threads = {}};
  const auto left = [&]() -> std::optional<std::chrono::nanoseconds> {
    if (!options.time) return std::nullopt;
    return *options.time - (std::chrono::steady_clock::now() - began);
  };
  const auto is_loaded = [&] { return loaded.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  machine.wait_until([&] { return is_loaded() || machine.load_hangs(); }, left());
  // A DriverEntry that is about to return is let finish, so that its driver can be unloaded.
  if (!is_loaded() && !machine.load_hangs()) loaded.wait_for(kUnloadPatience);
  if (!is_loaded()) {
    describe_rest(report, machine.rest(), interruption.happened(), options);
    report.text = "DriverEntry has not returned: " + report.text;
    report.threads = machine::threads();
    report.error = interruption.happened() ? machine::kErrorCancelled : machine::kErrorPossibleDeadlock;
    machine::exit_now(finish(options, report));
  }
  loader.join();
  auto outcome = loaded.get();
  if (!outcome) return finish(options, failure(options, outcome.error()));
  report.driver = *outcome;

  Rest rest = machine.wait_for_rest(left());
  describe_rest(report, rest, interruption.happened(), options);
  unload(machine, report, interruption);
  control = Error{0, ""};
  const int code = finish(options, report);
  if (!machine.shut_down()) machine::exit_now(code);
  return code;
}

}  // namespace ntemu::tool
