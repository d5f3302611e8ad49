#include "ntemu/include/ntemu/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ex/worker.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "ntemu/io/file.h"
#include "ntemu/io/irp.h"
#include "ntemu/io/shutdown.h"
#include "ntemu/io/work_item.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/interrupt.h"
#include "ntemu/ke/ke.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/timer.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/debug_log.h"
#include "ntemu/machine/drivers.h"
#include "ntemu/machine/drives.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/place.h"
#include "ntemu/machine/rest.h"
#include "ntemu/machine/source_line.h"
#include "ntemu/machine/stop.h"
#include "ntemu/machine/verify.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/ps.h"
#include "ntemu/ps/thread.h"
#include "ntemu/vf/deadlock.h"
#include "ntemu/vf/lock_order.h"

namespace ntemu {
namespace {

constexpr base::Nt100ns kTeardownPatience = 2 * base::kNtPerSecond;

std::atomic<bool> one_runs{false};

std::string status_text(const char *what, NTSTATUS status) {
  return fmt::format("{}: status 0x{:08X}", what, static_cast<uint32_t>(status));
}

}  // namespace

struct Machine::State {
  MachineOptions options;
  std::filesystem::path images;  // private copies of the drivers
  bool images_are_ours = false;
  int lock = -1;  // of the machine's directory
  machine::Drives drives;
  bool booted = false;
  machine::Drivers drivers;
  std::atomic<bool> interrupted{false};

  ~State() {
    if (lock >= 0) close(lock);
  }
  std::optional<Error> prepare_directories();
  std::optional<Error> boot();
};

namespace {

void route_log(const MachineOptions &options, std::shared_ptr<const machine::DebugLog> file) {
  base::set_log_sink(
      [print = options.debug_print, message = options.message, file = std::move(file)](const base::LogRecord &record) {
        if (file && record.level != base::Level::kDebug) file->write(record.level, record.component, record.text);
        if (record.component == kd::kDebugPrint) {
          if (print) print(record.text);
        } else if (record.level <= base::Level::kWarning || record.component == "trace") {
          const std::string line = fmt::format("{}: {}", record.component, record.text);
          if (message) {
            message(line);
          } else {
            fmt::print(stderr, "ntemu: {}\n", line);
          }
        }
      });
}

Error cannot_use(const std::filesystem::path &directory, const std::error_code &error) {
  const NTSTATUS status = error == std::errc::not_a_directory             ? STATUS_NOT_A_DIRECTORY
                          : error == std::errc::no_such_file_or_directory ? STATUS_OBJECT_PATH_NOT_FOUND
                                                                          : STATUS_ACCESS_DENIED;
  return {status, fmt::format("cannot use {} as a machine: {}", directory.string(), error.message())};
}

}  // namespace

std::optional<Error> Machine::State::prepare_directories() {
  std::error_code error;
  if (options.directory.empty()) {
    auto place = machine::occupy_temporary();
    if (!place) return place.error();
    images = place->directory;
    lock = place->lock;
    images_are_ours = true;
    machine::remove_at_exit(images);
    return std::nullopt;
  }
  options.directory = std::filesystem::absolute(options.directory);
  std::filesystem::create_directories(options.directory / "drive_c", error);
  if (error) return cannot_use(options.directory, error);
  if (lock < 0) {
    auto own = machine::occupy(options.directory);
    if (!own) return own.error();
    lock = *own;
  }
  images = options.directory / "images";
  std::filesystem::remove_all(images, error);  // of a process that was killed
  if (!error) std::filesystem::create_directory(images, error);
  if (error) return cannot_use(options.directory, error);
  machine::remove_at_exit(images);
  return std::nullopt;
}

std::optional<Error> Machine::State::boot() {
  if (auto error = prepare_directories()) return error;
  std::shared_ptr<const machine::DebugLog> file;
  if (options.debug_log && !options.directory.empty()) {
    auto opened = machine::DebugLog::open(options.directory / machine::kDebugLogName);
    if (!opened) return opened.error();
    file = std::make_shared<const machine::DebugLog>(std::move(*opened));
  }
  route_log(options, std::move(file));
  machine::boot_verifier(options.directory);
  ke::boot_bugcheck();
  ke::boot_timers();
  machine::end_in_bugchecks(options.directory);
  ke::describe_address = [](const void *address) { return " (" + ldr::symbolize(address) + ")"; };
  ex::describe_site = [](const void *site) { return machine::describe_line(site); };
  ex::boot();
  kd::boot();
  ps::is_driver_code = +[](const void *address) {
    const ldr::Image *image = ldr::find_image(address);
    return image && image->handle;
  };
  ob::boot();
  ke::boot_processors(options.cpus);
  ps::boot();
  const std::string hive = options.directory.empty() ? ":memory:" : (options.directory / "hive.db").string();
  if (auto error = cm::boot(hive)) return Error{STATUS_REGISTRY_CORRUPT, *error};
  io::boot_work_items();
  io::boot_irps();
  ldr::boot();
  drivers.trap_unloaded(options.trap_unloaded);
  vf::boot_deadlocks();
  vf::boot_lock_order();
  vf::describe_site = machine::describe_place;
  booted = true;
  return drives.boot(options.directory);
}

Machine::Machine(std::unique_ptr<State> state) : state_(std::move(state)) {}

Outcome<std::unique_ptr<Machine>> Machine::boot(MachineOptions options) {
  if (one_runs.exchange(true)) return Error{STATUS_ALREADY_INITIALIZED, "a machine runs in this process already"};
  auto state = std::make_unique<State>();
  state->lock = options.lock;
  state->options = std::move(options);
  std::unique_ptr<Machine> machine(new Machine(std::move(state)));
  if (auto error = machine->state_->boot()) return *error;
  return machine;
}

Machine::~Machine() { shut_down(); }

bool Machine::shut_down() {
  if (!state_) return true;
  const auto state = std::move(state_);
  bool ended = true;
  if (state->booted) {
    io::notify_shutdown();
    const bool no_timers = ke::stop_timers(kTeardownPatience);
    ended = ps::stop_threads(kTeardownPatience) && no_timers;
    if (ended) {
      state->drivers.await_calls();
      ke::teardown_processors();
      state->drives.teardown();
      state->drivers.remove_all();
      ldr::teardown();
      cm::teardown();
      ob::teardown();
      ps::teardown();
    }
    kd::flush_debug_print();
  }
  base::set_log_sink(nullptr);
  std::error_code ignored;
  if (ended) {
    if (state->images_are_ours) std::filesystem::remove_all(state->images, ignored);
    machine::keep(state->images);
  }
  one_runs = !ended;
  return ended;
}

Outcome<std::string> Machine::load(const std::filesystem::path &image, const LoadOptions &options) {
  return state_->drivers.load(image, state_->images, options);
}
Outcome<Unloaded> Machine::unload(std::string_view service) { return state_->drivers.unload(service); }
DriverState Machine::driver_state(std::string_view service) const {
  state_->drivers.sweep();
  return look_at_driver(service);
}
DriverState Machine::look_at_driver(std::string_view service) const {
  return state_ ? state_->drivers.state(service) : DriverState::kNotLoaded;  // a late unload may ask at the very end
}
void Machine::on_late_unload(std::function<void()> notify) {
  if (state_) state_->drivers.on_late_unload(std::move(notify));
}
bool Machine::can_unload(std::string_view service) const { return state_->drivers.can_unload(service); }
std::vector<std::string> Machine::drivers() const { return state_->drivers.names(); }

std::optional<Error> Machine::add_drive(std::string_view letter, const std::filesystem::path &directory) {
  return state_->drives.add(letter, directory);
}
std::optional<Error> Machine::remove_drive(std::string_view letter) { return state_->drives.remove(letter); }
std::vector<Drive> Machine::drives() const { return state_->drives.list(); }

bool Machine::load_hangs() const { return rest() == Rest::kWaiting && ex::worker_is_busy(); }

Rest Machine::rest() const { return machine::look_for_rest(); }

Rest Machine::wait_for_rest(std::optional<std::chrono::nanoseconds> limit, bool or_delayed) {
  Rest rest = Rest::kRunning;
  wait_until(
      [&] {
        rest = this->rest();
        return rest == Rest::kDone || rest == Rest::kWaiting || (or_delayed && rest == Rest::kDelayed);
      },
      limit);
  return rest;
}

bool Machine::wait_until(const std::function<bool()> &done, std::optional<std::chrono::nanoseconds> limit) {
  return machine::wait_until(done, limit, state_->interrupted);
}

std::optional<Error> Machine::make_directory(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '/', '\\');
  if (text.size() >= 2 && (text[0] == 'C' || text[0] == 'c') && text[1] == ':') text.erase(0, 2);
  const auto wide = base::to_utf16(text);
  if (!wide) return Error{STATUS_OBJECT_NAME_INVALID, fmt::format("'{}' is not a path", path)};
  for (size_t end = 0; end != std::u16string::npos;) {
    end = wide->find(u'\\', end + 1);
    std::u16string name = u"\\??\\C:";
    if (!wide->starts_with(u'\\')) name += u'\\';
    name += wide->substr(0, end);
    UNICODE_STRING unicode = base::to_unicode_string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &unicode, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE handle;
    IO_STATUS_BLOCK io_status;
    const NTSTATUS status = ZwCreateFile(&handle, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &io_status, nullptr,
                                         FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                         FILE_OPEN_IF, FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    if (!NT_SUCCESS(status))
      return Error{status, status_text(fmt::format("cannot make the directory '{}'", path).c_str(), status)};
    ZwClose(handle);
  }
  return std::nullopt;
}

bool Machine::fire_interrupt(unsigned vector) { return ke::fire_interrupt(vector); }

void Machine::interrupt_waits() {
  state_->interrupted = true;
  ke::note_rest();
}

const std::filesystem::path &Machine::directory() const { return state_->options.directory; }
const std::filesystem::path &Machine::image_directory() const { return state_->images; }

}  // namespace ntemu
