// Starting services: dependencies, images, and what starts at boot.
#include <fmt/format.h>

#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/machine/services.h"
#include "ntemu/machine/services_error.h"
#include "ntemu/machine/services_rules.h"

namespace ntemu::machine {
namespace {

constexpr const char *kFunction = "StartService";

}  // namespace

// The analysis does not see that a condition variable gives the lock back.
void Services::await_start(const std::u16string &key) NTEMU_NO_THREAD_SAFETY_ANALYSIS {
  changed_.wait(mutex_, [&]() NTEMU_NO_THREAD_SAFETY_ANALYSIS { return !starting_.contains(key); });
}

void Services::record(const std::u16string &key, uint32_t error) {
  {
    base::Guard guard(mutex_);
    starting_.erase(key);
    exit_codes_[key] = error;
    remove_deleted();
  }
  changed_.notify_all();
}

ServiceOutcome<ServiceStatus> Services::start(std::u16string_view name) {
  if (auto error = start_one(name)) return *error;
  return query(name);
}

std::optional<ServiceError> Services::start_one(std::u16string_view name) {
  const std::u16string key = rtl::upcase(name);
  cm::Service service;
  {
    base::Guard guard(mutex_);
    auto opened = open(name);
    if (!opened) return opened.error();
    service = std::move(*opened);
    if (state(name) != ServiceState::kStopped) return ServiceError{kErrorServiceAlreadyRunning, kFunction};
    if (service.deleted || service.start == cm::kDisabled) return ServiceError{kErrorServiceDisabled, kFunction};
    const auto all = cm::list_services();
    if (!all) return registry_error(all.status(), kFunction);
    // Checked when it was written; but then others may have joined a group, and starts of a circle would wait forever.
    if (is_circular(*all, service)) return ServiceError{kErrorCircularDependency, kFunction};
    starting_.insert(key);
  }
  auto error = start_dependencies(service);
  if (!error) error = load(service);
  record(key, error ? error->error : 0);
  return error;
}

std::optional<ServiceError> Services::load(const cm::Service &service) {
  const std::string name = base::to_utf8(service.name);
  auto image = fetch_image(service.image_path, service.name, machine_.image_directory());
  if (!image) return machine_error(image.error(), kFunction);
  const auto loaded = machine_.load(
      image->file, {.service = name, .file_system = service.type == cm::kFileSystemDriver, .nt_name = image->nt_name});
  if (!loaded) return machine_error(loaded.error(), kFunction);
  base::log(base::Level::kInfo, "sc", "{} has started", name);
  return std::nullopt;
}

// Starts it unless it runs, and waits for a start by another client.
bool Services::runs_after_start(std::u16string_view name) {
  (void)start_one(name);
  const std::u16string key = rtl::upcase(name);
  base::Guard guard(mutex_);
  await_start(key);
  return state(name) == ServiceState::kRunning;
}

std::optional<ServiceError> Services::start_dependencies(const cm::Service &service) {
  for (const std::u16string &name : service.depends) {
    {
      base::Guard guard(mutex_);
      const auto dependency = open(name);
      if (!dependency || dependency->deleted)
        return ServiceError{kErrorServiceDependencyDeleted, kFunction,
                            fmt::format("it depends on {}, which does not exist", base::to_utf8(name))};
    }
    if (!runs_after_start(name))
      return ServiceError{kErrorServiceDependencyFail, kFunction,
                          fmt::format("it depends on {}, which cannot be started", base::to_utf8(name))};
  }
  for (const std::u16string &group : service.depends_groups) {
    const auto all = cm::list_services();
    if (!all) return registry_error(all.status(), kFunction);
    bool one_runs = false;
    for (const cm::Service &member : *all)
      if (is_in_group(member, group)) one_runs |= runs_after_start(member.name);
    if (!one_runs)
      return ServiceError{kErrorServiceDependencyFail, kFunction,
                          fmt::format("no service of the group {} runs", base::to_utf8(group))};
  }
  return std::nullopt;
}

// A group counts as long as another of its services runs.
bool Services::has_running_dependents(const cm::Service &service) {
  const auto all = cm::list_services();
  if (!all) return false;
  bool group_runs_on = false;
  for (const cm::Service &other : *all)
    group_runs_on |= !same_name(other.name, service.name) && is_in_group(other, service.group) &&
                     state(other.name) == ServiceState::kRunning;
  for (const cm::Service &other : *all) {
    const bool depends = depends_on_service(other, service.name) ||
                         (!service.group.empty() && !group_runs_on && depends_on_group(other, service.group));
    if (depends && state(other.name) != ServiceState::kStopped) return true;
  }
  return false;
}

std::vector<Services::BootFailure> Services::start_at_boot() {
  std::vector<BootFailure> failures;
  const auto all = cm::list_services();
  const auto groups = cm::group_order();
  if (!all) {
    failures.push_back({u"", registry_error(all.status(), kFunction)});
    return failures;
  }
  for (const cm::Service &service : boot_order(*all, groups ? *groups : std::vector<std::u16string>())) {
    {
      base::Guard guard(mutex_);
      if (state(service.name) != ServiceState::kStopped) continue;  // another one needed it
    }
    auto error = start_one(service.name);
    if (!error) continue;
    base::log(service.error_control == cm::kErrorIgnore ? base::Level::kInfo : base::Level::kWarning, "sc",
              "{} did not start at boot: error {} ({}){}{}", base::to_utf8(service.name), error->error,
              win32_error_text(error->error), error->text.empty() ? "" : "; ", error->text);
    failures.push_back({service.name, std::move(*error)});
  }
  return failures;
}

}  // namespace ntemu::machine
