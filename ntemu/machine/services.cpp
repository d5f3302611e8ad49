#include "ntemu/machine/services.h"

#include <fmt/format.h>

#include <algorithm>

#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/machine/services_error.h"
#include "ntemu/machine/services_rules.h"
#include "ntemu/machine/win32_error.h"

namespace ntemu::machine {
namespace {

constexpr uint32_t kControlInterrogate = 4;
constexpr size_t kLongestDisplayName = 256;

std::u16string key_of(std::u16string_view name) { return rtl::upcase(name); }

// For what the service controllers of Windows know and this one has no use for.
std::optional<ServiceError> check_type(uint32_t type, const char *function) {
  if (type == cm::kKernelDriver || type == cm::kFileSystemDriver) return std::nullopt;
  constexpr uint32_t kAdapter = 4, kRecognizer = 8, kOwnProcess = 0x10, kShareProcess = 0x20, kUser = 0x40,
                     kInteractive = 0x100;
  const uint32_t kind = type & ~(kUser | kInteractive);
  if (kind == kOwnProcess || kind == kShareProcess || type == kInteractive)
    return ServiceError{kErrorNotSupported, function,
                        "services that are processes cannot run here, only drivers: type= kernel or type= filesys"};
  if (type == kAdapter || type == kRecognizer)
    return ServiceError{kErrorNotSupported, function,
                        "drivers of this type cannot run here: type= kernel or type= filesys"};
  return ServiceError{kErrorInvalidParameter, function, fmt::format("there is no service type {:#x}", type)};
}

std::optional<ServiceError> check_settings(const cm::Service &service, const char *function) {
  if (auto error = check_type(service.type, function)) return error;
  if (service.start > cm::kDisabled || service.error_control > cm::kErrorCritical)
    return ServiceError{kErrorInvalidParameter, function, "no such start type or error control"};
  if (service.image_path.empty()) return ServiceError{kErrorInvalidParameter, function, "binPath= is missing"};
  if (service.display_name.size() > kLongestDisplayName)
    return ServiceError{kErrorInvalidName, function, "the display name is longer than 256 characters"};
  if (service.tag != 0 && service.group.empty())
    return ServiceError{kErrorInvalidParameter, function, "a tag is unique in a group: group= is missing"};
  return std::nullopt;
}

std::string describe_threads(size_t count) {
  return fmt::format("{} of the driver's threads still {}: its image stays mapped, as they would return into nothing",
                     count, count == 1 ? "runs" : "run");
}

}  // namespace

Services::Services(Machine &machine) : machine_(machine) {
  machine_.on_late_unload([this] {
    base::Guard guard(mutex_);
    remove_deleted();
  });
}

Services::~Services() { machine_.on_late_unload(nullptr); }

ServiceOutcome<cm::Service> Services::open(std::u16string_view name) {
  remove_deleted();
  if (!cm::is_service_name(name)) return ServiceError{kErrorInvalidName, "OpenService"};
  auto service = cm::read_service(name);
  if (service) return std::move(*service);
  if (service.status() == STATUS_OBJECT_NAME_NOT_FOUND) return ServiceError{kErrorServiceDoesNotExist, "OpenService"};
  return registry_error(service.status(), "OpenService");
}

ServiceState Services::state(std::u16string_view name) const {
  const std::u16string key = key_of(name);
  if (starting_.contains(key)) return ServiceState::kStartPending;
  if (stopping_.contains(key)) return ServiceState::kStopPending;
  switch (machine_.look_at_driver(base::to_utf8(name))) {
    case DriverState::kLoading:
      return ServiceState::kStartPending;
    case DriverState::kLoaded:
      return ServiceState::kRunning;
    case DriverState::kUnloading:
      return ServiceState::kStopPending;
    case DriverState::kNotLoaded:
      break;
  }
  return ServiceState::kStopped;
}

ServiceStatus Services::status(const cm::Service &service) {
  ServiceStatus result;
  result.name = service.name;
  result.display_name = service.display_name.empty() ? service.name : service.display_name;
  result.type = service.type;
  result.state = state(service.name);
  result.stoppable = result.state == ServiceState::kRunning && machine_.can_unload(base::to_utf8(service.name));
  if (result.state == ServiceState::kStopped) {
    const auto code = exit_codes_.find(key_of(service.name));
    result.exit_code = code == exit_codes_.end() ? kErrorServiceNeverStarted : code->second;
  }
  return result;
}

void Services::remove_deleted() {
  for (auto at = deleted_.begin(); at != deleted_.end();) {
    // What cannot be removed now is removed by the next boot, for its DeleteFlag is set.
    if (state(*at) != ServiceState::kStopped || !NT_SUCCESS(cm::delete_service(*at))) {
      ++at;
      continue;
    }
    exit_codes_.erase(*at);
    at = deleted_.erase(at);
  }
}

// `service` is as it is to be; what is in the registry may be older or nothing.
std::optional<ServiceError> Services::check(const cm::Service &service, const char *function) {
  if (auto error = check_settings(service, function)) return error;
  auto all = cm::list_services();
  if (!all) return registry_error(all.status(), function);
  std::erase_if(*all, [&](const cm::Service &one) { return same_name(one.name, service.name); });
  if (is_display_name_taken(*all, service)) return ServiceError{kErrorDuplicateServiceName, function};
  all->push_back(service);
  if (is_circular(*all, service)) return ServiceError{kErrorCircularDependency, function};
  return std::nullopt;
}

std::optional<ServiceError> Services::create(std::u16string_view name, cm::ServiceSettings settings, bool tag) {
  constexpr const char *kFunction = "CreateService";
  base::Guard guard(mutex_);
  remove_deleted();
  if (!cm::is_service_name(name) || name.find(u' ') != std::u16string_view::npos)
    return ServiceError{kErrorInvalidName, kFunction,
                        "a service's name has 1 to 256 characters, none of them / \\ , or a blank"};
  cm::Service service;
  static_cast<cm::ServiceSettings &>(service) = std::move(settings);
  service.name = name;
  service.image_path = stored_image_path(service.image_path);
  if (auto error = check_settings(service, kFunction)) return error;
  if (const auto existing = cm::read_service(name))
    return ServiceError{existing->deleted ? kErrorServiceMarkedForDelete : kErrorServiceExists, kFunction};
  if (tag) {
    const auto all = cm::list_services();
    if (!all) return registry_error(all.status(), kFunction);
    service.tag = unused_tag(*all, service);
  }
  if (auto error = check(service, kFunction)) return error;
  if (const NTSTATUS status = cm::create_service(name, service); !NT_SUCCESS(status))
    return registry_error(status, kFunction);
  return std::nullopt;
}

std::optional<ServiceError> Services::write(std::u16string_view name, cm::ServiceChange change, std::optional<bool> tag,
                                            const char *function) {
  auto service = open(name);
  if (!service) return service.error();
  if (service->deleted) return ServiceError{kErrorServiceMarkedForDelete, function};
  if (change.image_path) change.image_path = stored_image_path(*change.image_path);
  apply(change, *service);
  if (service->group.empty() && !tag) tag = false;  // a tag goes with its group
  if (tag) {
    const auto all = cm::list_services();
    if (!all) return registry_error(all.status(), function);
    change.tag = *tag ? unused_tag(*all, *service) : 0;
    service->tag = *change.tag;
  }
  if (auto error = check(*service, function)) return error;
  if (const NTSTATUS status = cm::change_service(name, change); !NT_SUCCESS(status))
    return registry_error(status, function);
  return std::nullopt;
}

std::optional<ServiceError> Services::config(std::u16string_view name, cm::ServiceChange change,
                                             std::optional<bool> tag) {
  base::Guard guard(mutex_);
  return write(name, std::move(change), tag, "ChangeServiceConfig");
}

std::optional<ServiceError> Services::describe(std::u16string_view name, std::u16string_view description) {
  base::Guard guard(mutex_);
  return write(name, {.description = std::u16string(description)}, std::nullopt, "ChangeServiceConfig2");
}

std::optional<ServiceError> Services::remove(std::u16string_view name) {
  constexpr const char *kFunction = "DeleteService";
  base::Guard guard(mutex_);
  const auto service = open(name);
  if (!service) return service.error();
  if (service->deleted) return ServiceError{kErrorServiceMarkedForDelete, kFunction};
  const std::u16string key = key_of(name);
  if (state(name) != ServiceState::kStopped) {
    if (const NTSTATUS status = cm::mark_service_deleted(name); !NT_SUCCESS(status))
      return registry_error(status, kFunction);
    deleted_.insert(key);
    return std::nullopt;
  }
  if (const NTSTATUS status = cm::delete_service(name); !NT_SUCCESS(status)) return registry_error(status, kFunction);
  exit_codes_.erase(key);
  return std::nullopt;
}

ServiceOutcome<ServiceStatus> Services::stop(std::u16string_view name) {
  constexpr const char *kFunction = "ControlService";
  const std::u16string key = key_of(name);
  cm::Service service;
  {
    base::Guard guard(mutex_);
    auto opened = open(name);
    if (!opened) return opened.error();
    service = std::move(*opened);
    const ServiceState now = state(name);
    if (now == ServiceState::kStopped) return ServiceError{kErrorServiceNotActive, kFunction};
    if (now != ServiceState::kRunning) return ServiceError{kErrorServiceCannotAcceptControl, kFunction};
    if (has_running_dependents(service)) return ServiceError{kErrorDependentServicesRunning, kFunction};
    if (!machine_.can_unload(base::to_utf8(name)))
      return ServiceError{kErrorInvalidServiceControl, kFunction, "the driver has no DriverUnload routine",
                          STATUS_INVALID_DEVICE_REQUEST};
    stopping_.insert(key);
  }
  const auto unloaded = machine_.unload(base::to_utf8(name));
  base::Guard guard(mutex_);
  stopping_.erase(key);
  if (!unloaded) {
    ServiceError error = machine_error(unloaded.error(), kFunction);
    if (error.status == STATUS_INVALID_DEVICE_REQUEST) error.error = kErrorInvalidServiceControl;
    return error;
  }
  exit_codes_[key] = 0;
  ServiceStatus result = status(service);
  if (unloaded->pending)
    result.note = "devices of the driver are open: DriverUnload runs when the last handle to them is closed";
  if (unloaded->threads_left != 0) result.note = describe_threads(unloaded->threads_left);
  if (!result.note.empty()) base::log(base::Level::kWarning, "sc", "{}: {}", base::to_utf8(service.name), result.note);
  remove_deleted();
  return result;
}

ServiceOutcome<ServiceStatus> Services::control(std::u16string_view name, uint32_t code) {
  constexpr uint32_t kControlStop = 1;
  if (code == kControlStop) return stop(name);
  base::Guard guard(mutex_);
  const auto service = open(name);
  if (!service) return service.error();
  const ServiceState now = state(name);
  if (now == ServiceState::kStopped) return ServiceError{kErrorServiceNotActive, "ControlService"};
  if (code == kControlInterrogate) return status(*service);
  if (now != ServiceState::kRunning) return ServiceError{kErrorServiceCannotAcceptControl, "ControlService"};
  return ServiceError{kErrorInvalidServiceControl, "ControlService", "drivers accept no control but a stop"};
}

ServiceOutcome<ServiceStatus> Services::query(std::u16string_view name) {
  base::Guard guard(mutex_);
  const auto service = open(name);
  if (!service) return service.error();
  return status(*service);
}

ServiceOutcome<cm::Service> Services::query_config(std::u16string_view name) {
  base::Guard guard(mutex_);
  return open(name);
}

ServiceOutcome<std::vector<Services::Listed>> Services::enumerate() {
  base::Guard guard(mutex_);
  remove_deleted();
  const auto all = cm::list_services();
  if (!all) return registry_error(all.status(), "EnumServicesStatus");
  std::vector<Listed> listed;
  for (const cm::Service &service : *all) listed.push_back({status(service), service.group});
  std::sort(listed.begin(), listed.end(), [](const Listed &a, const Listed &b) {
    return rtl::compare(std::u16string_view(a.status.name), std::u16string_view(b.status.name), true) < 0;
  });
  return listed;
}

}  // namespace ntemu::machine
