// The service controller of a running machine: Windows' rules for installing, starting and stopping drivers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/base/lock.h"
#include "ntemu/cm/service.h"
#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

struct ServiceError {
  uint32_t error = 0;     // Win32
  std::string function;   // the call that Windows would have failed: "OpenService", "StartService"...
  std::string text = {};  // what is to say beyond the text of the error; may be empty
  int32_t status = 0;     // the NTSTATUS behind it, if there is one
};

// As in SERVICE_STATUS.
enum class ServiceState : uint32_t { kStopped = 1, kStartPending = 2, kStopPending = 3, kRunning = 4 };

struct ServiceStatus {
  std::u16string name, display_name;
  uint32_t type = 0;
  ServiceState state = ServiceState::kStopped;
  bool stoppable = false;
  uint32_t exit_code = 0;  // Win32; ERROR_SERVICE_NEVER_STARTED before the first start
  std::string note;        // what a user should know after a stop; may be empty
};

template <class T>
using ServiceOutcome = Outcome<T, ServiceError>;

// Calls may come from several threads. No lock is held while a driver runs.
class Services {
 public:
  // The machine has to outlive it.
  explicit Services(Machine &machine);
  ~Services();
  Services(const Services &) = delete;
  Services &operator=(const Services &) = delete;

  // With `tag`, the service gets a tag of its own in its group. An empty display name is the service's name.
  std::optional<ServiceError> create(std::u16string_view name, cm::ServiceSettings settings, bool tag = false);
  // `tag`: a new one, or none any more.
  std::optional<ServiceError> config(std::u16string_view name, cm::ServiceChange change,
                                     std::optional<bool> tag = std::nullopt);
  std::optional<ServiceError> describe(std::u16string_view name, std::u16string_view description);
  // A service that runs is marked: its key goes when its driver has gone, at the latest with the next boot.
  std::optional<ServiceError> remove(std::u16string_view name);

  // Starts what it depends on first. Returns when DriverEntry has.
  ServiceOutcome<ServiceStatus> start(std::u16string_view name);
  // Returns when DriverUnload has, or, in kStopPending, when open devices put it off.
  ServiceOutcome<ServiceStatus> stop(std::u16string_view name);
  // Any control but a stop: drivers accept none, and only interrogation is answered.
  ServiceOutcome<ServiceStatus> control(std::u16string_view name, uint32_t code);

  ServiceOutcome<ServiceStatus> query(std::u16string_view name);
  ServiceOutcome<cm::Service> query_config(std::u16string_view name);
  // All of them, by name.
  struct Listed {
    ServiceStatus status;
    std::u16string group;
  };
  ServiceOutcome<std::vector<Listed>> enumerate();

  // Starts those whose start type is boot, system or auto, in this order; within each by the order of groups, by tag,
  // and as they were created. A failure is logged, stays as the service's exit code, and never stops the others.
  struct BootFailure {
    std::u16string name;
    ServiceError error;
  };
  std::vector<BootFailure> start_at_boot();

  // Requests of clients by name, "sc.create"...: JSON in, JSON out.
  using Operation = std::function<nlohmann::json(const nlohmann::json &arguments, const std::atomic<bool> &stopping)>;
  std::map<std::string, Operation> operations();

 private:
  using List = std::vector<cm::Service>;
  using Names = std::set<std::u16string, std::less<>>;  // upper-case

  ServiceOutcome<cm::Service> open(std::u16string_view name) NTEMU_REQUIRES(mutex_);
  ServiceState state(std::u16string_view name) const NTEMU_REQUIRES(mutex_);
  ServiceStatus status(const cm::Service &service) NTEMU_REQUIRES(mutex_);
  // Removes the keys of deleted services whose drivers have gone meanwhile.
  void remove_deleted() NTEMU_REQUIRES(mutex_);
  std::optional<ServiceError> check(const cm::Service &service, const char *function) NTEMU_REQUIRES(mutex_);
  std::optional<ServiceError> write(std::u16string_view name, cm::ServiceChange change, std::optional<bool> tag,
                                    const char *function) NTEMU_REQUIRES(mutex_);

  std::optional<ServiceError> start_one(std::u16string_view name);
  std::optional<ServiceError> start_dependencies(const cm::Service &service);
  std::optional<ServiceError> load(const cm::Service &service);
  bool runs_after_start(std::u16string_view name);
  bool has_running_dependents(const cm::Service &service) NTEMU_REQUIRES(mutex_);
  // Until no start of that service is under way.
  void await_start(const std::u16string &key) NTEMU_REQUIRES(mutex_);
  void record(const std::u16string &key, uint32_t error);

  Machine &machine_;
  base::Mutex mutex_;
  std::condition_variable_any changed_;
  Names starting_ NTEMU_GUARDED_BY(mutex_);
  Names stopping_ NTEMU_GUARDED_BY(mutex_);
  Names deleted_ NTEMU_GUARDED_BY(mutex_);
  std::map<std::u16string, uint32_t, std::less<>> exit_codes_ NTEMU_GUARDED_BY(mutex_);
};

}  // namespace ntemu::machine
