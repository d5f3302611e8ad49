#include "ntemu/machine/drivers.h"

#include <fmt/format.h>

#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/cm/service.h"
#include "ntemu/io/driver.h"
#include "ntemu/io/work_item.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ldr/unloaded.h"
#include "ntemu/machine/source_line.h"
#include "ntemu/machine/verify.h"
#include "ntemu/ps/ps.h"
#include "ntemu/ps/reaper.h"
#include "ntemu/ps/thread.h"
#include "ntemu/rtl/case.h"
#include "ntemu/vf/pool_tracking.h"

namespace ntemu::machine {
namespace {

std::u16string key_of(std::string_view service) { return rtl::upcase(base::to_utf16_lossy(service)); }

std::string status_text(const char *what, NTSTATUS status) {
  return fmt::format("{}: status 0x{:08X}", what, static_cast<uint32_t>(status));
}

// Work items count as the threads that they are about to be run by.
size_t threads_in(const ldr::Image &image) {
  return ps::count_threads(image.entry.DllBase, image.entry.SizeOfImage) +
         io::work_items_in(image.entry.DllBase, image.entry.SizeOfImage);
}

// As PsLoadedModuleList shows it, without the extension.
std::u16string base_name(std::u16string_view service, std::u16string_view nt_name) {
  constexpr std::u16string_view kExtension = u".sys";
  if (nt_name.empty()) return std::u16string(service);
  nt_name.remove_prefix(nt_name.rfind(u'\\') + 1);
  if (nt_name.size() > kExtension.size() &&
      rtl::equal(nt_name.substr(nt_name.size() - kExtension.size()), kExtension, true))
    nt_name.remove_suffix(kExtension.size());
  return std::u16string(nt_name);
}

// The service key that a load writes when there is none; it goes again unless the load succeeds.
class ServiceKey {
 public:
  NTSTATUS ensure(std::u16string_view service, const std::filesystem::path &image, bool file_system) {
    path_ = cm::kServices + std::u16string(service);
    if (cm::open_key(path_)) return STATUS_SUCCESS;
    cm::ServiceSettings settings;
    settings.image_path = base::to_utf16_lossy(std::filesystem::absolute(image).string());
    settings.type = file_system ? 2 : 1;
    made_ = true;
    return cm::create_service_key(service, settings).value_or(STATUS_SUCCESS);
  }
  void keep() { made_ = false; }
  ~ServiceKey() {
    if (!made_) return;
    if (const auto key = cm::open_key(path_)) cm::delete_tree(*key);
  }

 private:
  std::u16string path_;
  bool made_ = false;
};

std::atomic<Drivers *> the_drivers{nullptr};

}  // namespace

// A load or unload that has not returned. Its thread is no thread of the machine any more when the machine goes.
class Drivers::Call {
 public:
  explicit Call(Drivers &drivers) : drivers_(drivers) { drivers_.calls_.fetch_add(1); }
  ~Call() {
    if (ke::leaving.load()) ps::release_host_thread();
    drivers_.calls_.fetch_sub(1);
    base::wake_word(drivers_.calls_);
  }
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

 private:
  Drivers &drivers_;
};

Drivers::Drivers() {
  the_drivers = this;
  io::driver_unloaded = [](PDRIVER_OBJECT object) { the_drivers.load()->finish_pending(object); };
}

Drivers::~Drivers() {
  io::driver_unloaded = [](PDRIVER_OBJECT) {};
  the_drivers = nullptr;
}

Outcome<std::string> Drivers::load(const std::filesystem::path &image, const std::filesystem::path &copies,
                                   const LoadOptions &options) {
  const Call call(*this);
  sweep();
  const std::string name = options.service.empty() ? image.stem().string() : options.service;
  const auto wide = base::to_utf16(name);
  if (name.empty() || !wide || name.find_first_of("/\\,") != std::string::npos) {
    return Error{STATUS_OBJECT_NAME_INVALID, fmt::format("'{}' cannot be the name of a driver", name)};
  }
  const std::u16string key = key_of(name);
  {
    base::Guard guard(mutex_);
    const auto [at, fresh] = drivers_.try_emplace(key);
    if (!fresh) {
      const char *how = at->second.state == DriverState::kLoading     ? "being loaded"
                        : at->second.state == DriverState::kUnloading ? "still being unloaded"
                                                                      : "loaded";
      return Error{STATUS_IMAGE_ALREADY_LOADED, fmt::format("{} is {} already", name, how)};
    }
    at->second.name = name;
  }
  auto driver = start(image, copies, name, *wide, options);
  base::Guard guard(mutex_);
  if (!driver) {
    drivers_.erase(key);
    return driver.error();
  }
  drivers_[key] = std::move(*driver);
  return name;
}

Outcome<Drivers::Driver> Drivers::start(const std::filesystem::path &image, const std::filesystem::path &copies,
                                        const std::string &name, std::u16string_view wide, const LoadOptions &options) {
  auto loaded = ldr::load_image(image, copies, base_name(wide, options.nt_name), options.nt_name);
  if (!loaded)
    return Error{loaded.error().status, fmt::format("cannot load {}: {}", image.string(), loaded.error().text)};
  note_image(**loaded);
  verify_at_load(**loaded);
  ServiceKey key;
  NTSTATUS status = key.ensure(wide, image, options.file_system);
  if (!NT_SUCCESS(status)) {
    ldr::unload_image(*loaded);
    return Error{status, status_text("cannot write the service key", status)};
  }
  io::DriverImage description = ldr::describe(**loaded);
  description.file_system = options.file_system;
  auto object = io::create_driver(wide, description);
  if (!object) {
    ldr::unload_image(*loaded);
    return Error{object.status(), status_text("cannot create the driver object", object.status())};
  }
  status = io::start_driver(*object);
  if (!NT_SUCCESS(status)) {
    put_away(*loaded);
    if (status == STATUS_SYSTEM_SHUTDOWN) return Error{status, "the machine ended before DriverEntry returned"};
    return Error{status, status_text("DriverEntry failed", status)};
  }
  key.keep();
  return Driver{name, DriverState::kLoaded, *loaded, *object};
}

Outcome<Unloaded> Drivers::unload(std::string_view service) {
  const Call call(*this);
  sweep();
  const std::u16string key = key_of(service);
  Driver driver;
  {
    base::Guard guard(mutex_);
    const auto found = drivers_.find(key);
    if (found == drivers_.end()) {
      return Error{STATUS_OBJECT_NAME_NOT_FOUND, fmt::format("{} is not loaded", service)};
    }
    if (found->second.state == DriverState::kLoading) {
      return Error{STATUS_DEVICE_NOT_READY, fmt::format("DriverEntry of {} has not returned yet", service)};
    }
    if (found->second.state == DriverState::kUnloading) {
      return Error{STATUS_DELETE_PENDING, fmt::format("{} is being unloaded already", service)};
    }
    found->second.state = DriverState::kUnloading;  // so that nobody else unloads it
    driver = found->second;
  }
  const NTSTATUS status = io::unload_driver(driver.object);
  if (status == STATUS_PENDING) return Unloaded{.pending = true};
  if (!NT_SUCCESS(status)) {
    base::Guard guard(mutex_);
    drivers_[key].state = DriverState::kLoaded;
    if (status == STATUS_SYSTEM_SHUTDOWN)
      return Error{status, fmt::format("the machine ended before DriverUnload of {} returned", service)};
    return Error{status, fmt::format("{} has no DriverUnload routine", service)};
  }
  const size_t left = put_away(driver.image);
  base::Guard guard(mutex_);
  drivers_.erase(key);
  return Unloaded{.threads_left = left};
}

void Drivers::finish_pending(PDRIVER_OBJECT object) {
  ldr::Image *image = nullptr;
  {
    base::Guard guard(mutex_);
    for (const auto &[key, driver] : drivers_) {
      if (driver.object == object) image = driver.image;
    }
  }
  if (!image) return;
  put_away(image);
  std::function<void()> notify;
  {
    base::Guard guard(mutex_);
    std::erase_if(drivers_, [&](const auto &entry) { return entry.second.object == object; });
    notify = late_unload_;
  }
  if (notify) notify();
  ke::note_rest();
}

void Drivers::on_late_unload(std::function<void()> notify) {
  base::Guard guard(mutex_);
  late_unload_ = std::move(notify);
}

// Threads would return into nothing. Those that DriverUnload has seen end are gone when this returns.
size_t Drivers::put_away(ldr::Image *image) {
  ps::await_ended_threads();
  verify_at_end(*image);
  const size_t left = threads_in(*image);
  if (left == 0) {
    if (!ke::leaving.load())
      vf::report_pool_leaks(image->entry.DllBase, image->entry.SizeOfImage, image->entry.BaseDllName);
    ldr::unload_image(image);
  } else {
    if (trap_unloaded_) ldr::forbid_code(*image);
    base::Guard guard(mutex_);
    lingering_.push_back(image);
  }
  return left;
}

void Drivers::sweep() const {
  std::vector<ldr::Image *> all, busy;
  {
    base::Guard guard(mutex_);
    all.swap(lingering_);
  }
  if (!all.empty()) ps::await_ended_threads();
  for (ldr::Image *image : all) {
    if (threads_in(*image) == 0) {
      vf::report_pool_leaks(image->entry.DllBase, image->entry.SizeOfImage, image->entry.BaseDllName);
      ldr::unload_image(image);
    } else {
      busy.push_back(image);
    }
  }
  if (busy.empty()) return;
  base::Guard guard(mutex_);
  lingering_.insert(lingering_.end(), busy.begin(), busy.end());
}

DriverState Drivers::state(std::string_view service) const {
  base::Guard guard(mutex_);
  const auto found = drivers_.find(key_of(service));
  return found == drivers_.end() ? DriverState::kNotLoaded : found->second.state;
}

bool Drivers::can_unload(std::string_view service) const {
  base::Guard guard(mutex_);
  const auto found = drivers_.find(key_of(service));
  // Only then is the driver object sure to be there.
  if (found == drivers_.end() || found->second.state != DriverState::kLoaded) return false;
  return found->second.object->DriverUnload != nullptr;
}

std::vector<std::string> Drivers::names() const {
  base::Guard guard(mutex_);
  std::vector<std::string> names;
  for (const auto &[key, driver] : drivers_) {
    if (driver.state != DriverState::kLoading) names.push_back(driver.name);
  }
  return names;
}

void Drivers::await_calls() {
  while (const uint32_t calls = calls_.load()) base::wait_word(calls_, calls);
}

void Drivers::remove_all() {
  Map drivers;
  {
    base::Guard guard(mutex_);
    drivers.swap(drivers_);
    lingering_.clear();  // the loader's teardown takes them
  }
  for (auto &[key, driver] : drivers) {
    if (driver.object) io::delete_driver(driver.object);
    if (driver.image) ldr::unload_image(driver.image);
  }
}

}  // namespace ntemu::machine
