#include "ntemu/include/ntemu/testing/machine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <thread>

#include "ntemu/api/stubs.h"
#include "ntemu/base/clock.h"
#include "ntemu/base/current.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/ex/pool_poison.h"
#include "ntemu/include/ntemu/driver_image.h"
#include "ntemu/include/ntemu/override.h"
#include "ntemu/include/ntemu/testing/bugcheck.h"
#include "ntemu/include/ntemu/testing/matchers.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "ntemu/io/file.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/wait.h"
#include "ntemu/machine/faults.h"
#include "ntemu/machine/inspect.h"
#include "ntemu/machine/leaks.h"
#include "ntemu/ps/reaper.h"
#include "ntemu/testing/nt_path.h"
#include "ntemu/testing/quiet.h"
#include "ntemu/testing/report.h"
#include "ntemu/vf/watch.h"

namespace ntemu {

void PrintTo(Rest rest, std::ostream *out) {
  constexpr const char *kNames[] = {"Rest::kDone (no thread of the drivers is left)",
                                    "Rest::kWaiting (all wait, and nothing will wake them)",
                                    "Rest::kDelayed (all wait, some for a time)", "Rest::kRunning (some run)"};
  *out << kNames[static_cast<int>(rest)];
}

}  // namespace ntemu

namespace ntemu::testing {
namespace {

// A file of the machine, opened by the test itself.
class HostFile {
 public:
  HostFile(std::string_view path, ACCESS_MASK access, ULONG disposition, ULONG options) {
    const std::u16string name = nt_path(path);
    UNICODE_STRING unicode = base::to_unicode_string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &unicode, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    IO_STATUS_BLOCK io;
    status_ = ZwCreateFile(&handle_, access | SYNCHRONIZE, &attributes, &io, nullptr, FILE_ATTRIBUTE_NORMAL,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, disposition,
                           options | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
  }
  ~HostFile() {
    if (NT_SUCCESS(status_)) ZwClose(handle_);
  }
  HostFile(const HostFile &) = delete;
  HostFile &operator=(const HostFile &) = delete;
  NTSTATUS status() const { return status_; }
  HANDLE handle() const { return handle_; }

 private:
  HANDLE handle_ = nullptr;
  NTSTATUS status_;
};

std::u16string key_path(std::string_view key) {
  const std::u16string wide = base::to_utf16_lossy(key);
  return wide.starts_with(u'\\') ? wide : cm::kServices + wide;
}

void expect_success(NTSTATUS status, std::string_view what, std::string_view name) {
  if (!NT_SUCCESS(status)) FAIL_TEST() << what << " '" << name << "': status " << status_name(status);
}

void (*end_for_missing)(const char *name, const void *caller) = nullptr;

// The machine cannot go on: what the API would have done is not known.
void report_missing(const char *name, const void *caller) {
  const machine::SourceLine line = machine::find_line(caller);
  FAIL_AT(line) << name << ", called by " << line.function
                << ", is not implemented by ntemu, so that the test ends here."
                << "\nUntil it is, keep the test from this call; docs/api.md lists what there is.";
  end_for_missing(name, caller);
}

}  // namespace

struct FakeClock::State {
  base::FakeClock clock;
};

FakeClock::FakeClock() : state_(std::make_unique<State>()) { base::set_clock(&state_->clock); }
FakeClock::~FakeClock() { base::set_clock(nullptr); }
void FakeClock::advance(std::chrono::nanoseconds duration) {
  state_->clock.advance(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count() / 100);
}

Machine::Machine() : Machine(Options()) {}

Machine::Machine(const Options &options) : options_(options) {
  const Quiet quiet;
  // Where the program has a sanitizer of its own, that one reports.
  [[maybe_unused]] static const bool reports = !ex::poisons() && (machine::report_faults(), true);
  MachineOptions boot;
  boot.cpus = options.cpus;
  boot.trap_unloaded = false;  // told as a failure of the test
  boot.debug_print = [this](std::string_view line) {
    std::lock_guard guard(mutex_);
    lines_.emplace_back(line);
  };
  auto machine = ntemu::Machine::boot(std::move(boot));
  if (!machine) throw std::runtime_error("no machine for this test: " + machine.error().text);
  machine_ = std::move(*machine);
  if (api::missing_api != report_missing) end_for_missing = api::missing_api;
  api::missing_api = report_missing;
  base::current_thread();  // the test's thread is one of the machine from now on: its calls have a stack to tell
  vf::begin_watch();
  detail::forget_bugcheck();
}

// Calls a routine that runs a driver's code on a system worker, and looks after it meanwhile.
void Machine::watch(std::string_view routine, std::string_view service, const std::function<void()> &call) {
  std::atomic<bool> done{false};
  std::string hang;
  std::thread watcher([&] {
    machine_->wait_until([&] { return done.load() || machine_->load_hangs(); }, std::nullopt);
    if (done.load()) return;
    hang = fmt::format("{} of {} waits, and nothing will wake it:\n{}", routine, service, describe_threads());
    ended_ = true;
    if (!machine_->shut_down()) hang += "(the machine could not end)\n";
  });
  call();
  done = true;
  ke::note_rest();
  watcher.join();
  if (!ended_) return;
  FAIL_TEST() << hang;
  throw std::runtime_error(fmt::format("the machine was ended because {} of {} hangs", routine, service));
}

Machine::~Machine() {
  const Quiet quiet;
  if (detail::bugcheck_taken()) {  // what was going on will never come to its end
    vf::end_watch();
    machine_->shut_down();
    return;
  }
  try {
    if (!ended_) unload_all();
  } catch (const std::runtime_error &) {  // told already: a DriverUnload hung
  }
  if (ended_) {
    vf::end_watch();
    return;
  }
  check_threads();
  if (options_.check_leaks) {
    for (const machine::Leak &leak : machine::find_leaks())
      FAIL_AT(leak.taken) << "Leaked: " << leak.text << " by " << leak.taken.function;
  }
  vf::end_watch();
  if (!machine_->shut_down()) FAIL_TEST() << "The machine could not end: a thread never calls the kernel again.";
}

NTSTATUS Machine::fail(NTSTATUS status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

NTSTATUS Machine::load(std::string_view target) {
  const Quiet quiet;
  const bool is_path = target.find('/') != target.npos;
  LoadOptions options;
  if (!is_path) options.service = target;
  const std::string image = is_path ? std::string(target) : driver_image(target);
  std::optional<Error> error;
  watch("DriverEntry", target, [&] {
    const auto loaded = machine_->load(image, options);
    if (!loaded) error = loaded.error();
  });
  if (error) return fail(error->status, error->text);
  problem_.clear();
  return STATUS_SUCCESS;
}

NTSTATUS Machine::start(std::string_view service, PDRIVER_INITIALIZE entry) {
  const Quiet quiet;
  io::DriverImage image;
  image.entry = entry;
  const auto object = io::create_driver(base::to_utf16_lossy(service), image);
  if (!object)
    return fail(object.status(), fmt::format("no driver object '{}': {}", service, status_name(object.status())));
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  watch("DriverEntry", service, [&] { status = io::start_driver(*object); });
  if (!NT_SUCCESS(status)) return fail(status, fmt::format("DriverEntry failed: status {}", status_name(status)));
  linked_[std::string(service)] = *object;
  problem_.clear();
  return STATUS_SUCCESS;
}

NTSTATUS Machine::unload(std::string_view service) {
  const Quiet quiet;
  if (const auto found = linked_.find(service); found != linked_.end()) {
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    watch("DriverUnload", service, [&] { status = io::unload_driver(found->second); });
    if (status != STATUS_INVALID_DEVICE_REQUEST) linked_.erase(found);
    ps::await_ended_threads();
    return status;
  }
  std::optional<Error> error;
  Unloaded unloaded;
  watch("DriverUnload", service, [&] {
    const auto result = machine_->unload(service);
    if (result) {
      unloaded = *result;
    } else {
      error = result.error();
    }
  });
  if (error) return fail(error->status, error->text);
  if (unloaded.threads_left > 0) {
    FAIL_TEST() << service << " was unloaded while " << unloaded.threads_left
                << " of its threads run: on Windows they would return into nothing.\n"
                << describe_threads();
  }
  return unloaded.pending ? STATUS_PENDING : STATUS_SUCCESS;
}

void Machine::unload_all() {
  for (const std::string &name : machine_->drivers()) {
    if (machine_->can_unload(name)) unload(name);
  }
  while (!linked_.empty()) {
    const std::string name = linked_.begin()->first;
    if (unload(name) == STATUS_INVALID_DEVICE_REQUEST) linked_.erase(name);
  }
}

void Machine::check_threads() {
  // Threads that are about to end do so; the others are what find_leaks tells.
  machine_->wait_for_rest(options_.patience, true);
  ps::await_ended_threads();
  if (!machine_->drivers().empty()) options_.check_leaks = false;  // without a DriverUnload it keeps what it has
}

PDRIVER_OBJECT Machine::driver(std::string_view service) const {
  const Quiet quiet;
  const auto body = ob::open_by_path(u"\\Driver\\" + base::to_utf16_lossy(service), &io::driver_type);
  if (!body) return nullptr;
  ob::dereference(*body);
  return static_cast<PDRIVER_OBJECT>(*body);
}

PDEVICE_OBJECT Machine::device(std::string_view path) const {
  const Quiet quiet;
  const auto body = ob::open_by_path(nt_path(path), &io::device_type);
  if (!body) return nullptr;
  ob::dereference(*body);
  return static_cast<PDEVICE_OBJECT>(*body);
}

bool Machine::run_to_end() {
  const Quiet quiet;
  const Rest rest = machine_->wait_for_rest(options_.patience);
  ps::await_ended_threads();
  if (rest == Rest::kDone) return true;
  if (detail::bugcheck_taken()) return false;
  FAIL_TEST() << (rest == Rest::kRunning   ? "The drivers' threads still run after the machine's patience:\n"
                  : rest == Rest::kDelayed ? "The drivers' threads wait for a time that has not come:\n"
                                           : "Every thread of the drivers waits, and nothing will wake them:\n")
              << describe_threads();
  return false;
}

Rest Machine::await_rest() {
  const Quiet quiet;
  const Rest rest = machine_->wait_for_rest(options_.patience, true);
  if (rest == Rest::kRunning)
    FAIL_TEST() << "The drivers' threads still run after the machine's patience:\n" << describe_threads();
  return rest;
}

std::string Machine::describe_threads() const {
  std::string text;
  for (const machine::ThreadView &thread : machine::threads()) {
    // A worker that does not wait for work runs a driver's routine.
    if (thread.kernel && (thread.start == "host" || !thread.waiting || thread.wait_reason == "WrQueue")) continue;
    text += "  " + machine::describe(thread) + "\n";
    if (thread.wait_site) text += "    waits at " + machine::describe_line(thread.wait_site) + "\n";
  }
  return text;
}

std::vector<std::string> Machine::debug_lines() const {
  kd::flush_debug_print();
  std::lock_guard guard(mutex_);
  return lines_;
}

std::string Machine::debug_output() const {
  std::string text;
  for (const std::string &line : debug_lines()) text += line + "\n";
  return text;
}

void Machine::make_directory(std::string_view path) {
  const Quiet quiet;
  if (const auto error = machine_->make_directory(path)) FAIL_TEST() << error->text;
}

void Machine::write_file(std::string_view path, std::string_view text) {
  const Quiet quiet;
  const HostFile file(path, FILE_WRITE_DATA, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE);
  expect_success(file.status(), "cannot write", path);
  if (!NT_SUCCESS(file.status()) || text.empty()) return;
  IO_STATUS_BLOCK io;
  expect_success(ZwWriteFile(file.handle(), nullptr, nullptr, nullptr, &io, const_cast<char *>(text.data()),
                             static_cast<ULONG>(text.size()), nullptr, nullptr),
                 "cannot write", path);
}

std::optional<std::string> Machine::read_file(std::string_view path) {
  const Quiet quiet;
  const HostFile file(path, FILE_READ_DATA, FILE_OPEN, FILE_NON_DIRECTORY_FILE);
  if (!NT_SUCCESS(file.status())) return std::nullopt;
  std::string text;
  char buffer[4096];
  IO_STATUS_BLOCK io;
  while (NT_SUCCESS(ZwReadFile(file.handle(), nullptr, nullptr, nullptr, &io, buffer, sizeof buffer, nullptr, nullptr)))
    text.append(buffer, io.Information);
  return text;
}

bool Machine::exists(std::string_view path) {
  const Quiet quiet;
  return NT_SUCCESS(HostFile(path, FILE_READ_ATTRIBUTES, FILE_OPEN, 0).status());
}

std::vector<std::string> Machine::list_directory(std::string_view path) {
  const Quiet quiet;
  std::vector<std::string> names;
  const HostFile directory(path, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
  expect_success(directory.status(), "cannot list", path);
  if (!NT_SUCCESS(directory.status())) return names;
  const auto body = ob::reference_by_handle(directory.handle(), 0, &io::file_type, KernelMode);
  const auto entries = io::open_file_of(*static_cast<FILE_OBJECT *>(*body))->list();
  ob::dereference(*body);
  expect_success(entries.status(), "cannot list", path);
  if (!entries) return names;
  for (const auto &entry : *entries) names.push_back(base::to_utf8(entry.name));
  std::sort(names.begin(), names.end());
  return names;
}

void Machine::set_value(std::string_view key, std::string_view name, uint32_t value) {
  const Quiet quiet;
  const auto id = cm::create_key(key_path(key));
  expect_success(id ? cm::set_dword(*id, base::to_utf16_lossy(name), value) : id.status(), "cannot set", name);
}

void Machine::set_value(std::string_view key, std::string_view name, std::string_view text) {
  const Quiet quiet;
  const auto id = cm::create_key(key_path(key));
  expect_success(id ? cm::set_string(*id, base::to_utf16_lossy(name), REG_SZ, base::to_utf16_lossy(text)) : id.status(),
                 "cannot set", name);
}

void Machine::forgive_leaks() { vf::begin_watch(); }

std::vector<std::string> Machine::leaks() {
  std::vector<std::string> leaks;
  for (const machine::Leak &leak : machine::find_leaks())
    leaks.push_back(fmt::format("{} at {}", leak.text, machine::describe_line(leak.taken)));
  vf::begin_watch();
  return leaks;
}

}  // namespace ntemu::testing
