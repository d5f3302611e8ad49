// ntemu dump: asks a machine for a dump of itself, and dumps it from outside when it does not answer.
#include "ntemu/machine/dump.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "ntemu/machine/control.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

using nlohmann::json;
namespace stdfs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{5000};
constexpr std::chrono::seconds kBetweenReports{1};

// Readable after a while.
class Alarm {
 public:
  explicit Alarm(milliseconds time) : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    itimerspec when{};
    when.it_value = {time.count() / 1000, time.count() % 1000 * 1'000'000 + 1};
    timerfd_settime(descriptor_, 0, &when, nullptr);
  }
  ~Alarm() { close(descriptor_); }
  Alarm(const Alarm &) = delete;
  Alarm &operator=(const Alarm &) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// What the machine says of the dump it writes; nullopt when it does not answer.
std::optional<json> ask_progress(const DumpOptions &options) {
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client) return std::nullopt;
  const Alarm alarm(options.timeout.value_or(kPatience));
  auto reply = client->exchange("dump.progress", json::object(), alarm.descriptor());
  if (!reply || !reply->value("ok", false)) return std::nullopt;
  return std::move(*reply);
}

void print_progress(uint64_t done, uint64_t total) {
  if (total) fmt::print(stderr, "ntemu: {} of {} MB written\n", done >> 20, total >> 20);
}

// Says how far `work` is, once a second, until it has ended.
template <class Work, class Look>
auto with_progress(const Work &work, const Look &look) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::jthread reporter([&](const std::stop_token &stop) {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, stop, kBetweenReports, [] { return false; }) && !stop.stop_requested()) look();
  });
  return work();
}

stdfs::path directory_of(const DumpOptions &options, int process) {
  if (!options.machine.empty()) return options.machine;
  std::error_code error;
  const auto socket = stdfs::read_symlink(machine::runtime_socket(process), error);
  if (!error) return socket.parent_path();
  const char *variable = std::getenv("NTEMU_MACHINE");
  return options.pid == 0 && variable ? variable : "";
}

Outcome<json> dump_by_machine(const DumpOptions &options, machine::ControlClient &client, const stdfs::path &path) {
  return with_progress(
      [&] {
        return client.call("dump", {{"path", path.string()}, {"keep", options.keep}});
      },
      [&] {
        if (const auto state = ask_progress(options))
          print_progress((*state)["done"].get<uint64_t>(), (*state)["total"].get<uint64_t>());
      });
}

Outcome<json> dump_from_outside(const DumpOptions &options, int process, const stdfs::path &path) {
  const std::unique_ptr<kd::CoreProgress, void (*)(kd::CoreProgress *)> progress(kd::make_progress(),
                                                                                 kd::free_progress);
  signal(SIGXFSZ, SIG_IGN);  // a limit of the file size is an error like any other
  const kd::DumpResult result = with_progress(
      [&] {
        return kd::write_outside_dump(process,
                                      {.path = path.c_str(), .keep = options.keep, .progress = progress.get()});
      },
      [&] {
        if (progress) print_progress(progress->done.load(), progress->total.load());
      });
  if (result.error) return machine::dump_error(result);
  return machine::describe_dump(result, path);
}

int report(const DumpOptions &options, json row, bool outside) {
  row.erase("ok");
  row.erase("v");
  row.erase("id");
  row["outside"] = outside;
  row["bugcheck"] = fmt::format("{:#x}", kd::kLiveDumpCode);
  if (options.json) {
    std::puts(row.dump(2).c_str());
    return 0;
  }
  fmt::print("{}: {} MB, {} MB on the disk, {} threads; the machine stood still for {:.1f} ms\n",
             row["file"].get<std::string>(), row["bytes"].get<uint64_t>() >> 20,
             row["stored_bytes"].get<uint64_t>() >> 20, row["threads"].get<int>(),
             row["pause_seconds"].get<double>() * 1000);
  if (const int running = row["running"].get<int>())
    fmt::print(stderr, "ntemu: {} threads could not be stopped and have no registers in the dump\n", running);
  if (const auto unreadable = row["unreadable"].get<uint64_t>())
    fmt::print(stderr, "ntemu: {} KB of memory could not be read\n", unreadable >> 10);
  return 0;
}

}  // namespace

int dump(const DumpOptions &options) {
  auto client = machine::ControlClient::connect(options.machine, options.pid);
  if (!client && options.pid == 0) return fail(client.error(), options.json, json::object());
  const int process = client ? client->machine() : options.pid;
  const auto state = client ? ask_progress(options) : std::nullopt;
  stdfs::path path = options.output;
  if (path.empty())
    path = (state ? stdfs::path((*state)["directory"].get<std::string>()) : directory_of(options, process)) /
           kd::kDumpName;
  path = stdfs::absolute(path);
  if (!state && options.live)
    return fail({STATUS_IO_TIMEOUT, "the machine does not answer"}, options.json, json::object());
  if (!state) fmt::print(stderr, "ntemu: the machine does not answer: it is dumped from outside\n");
  auto row = state ? dump_by_machine(options, *client, path) : dump_from_outside(options, process, path);
  if (!row) return fail(row.error(), options.json, json::object());
  return report(options, std::move(*row), !state);
}

}  // namespace ntemu::tool
