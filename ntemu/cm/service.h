// Services: the keys below \REGISTRY\MACHINE\SYSTEM\ControlSet001\Services, as the service controller writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::cm {

// The values Type, Start and ErrorControl.
inline constexpr ULONG kKernelDriver = 1, kFileSystemDriver = 2;
enum StartType : ULONG { kBootStart, kSystemStart, kAutoStart, kDemandStart, kDisabled };
enum ErrorControl : ULONG { kErrorIgnore, kErrorNormal, kErrorSevere, kErrorCritical };
inline constexpr size_t kLongestServiceName = 256;

struct ServiceSettings {
  std::u16string image_path = {};
  ULONG type = kKernelDriver;
  ULONG start = kDemandStart;
  ULONG error_control = kErrorNormal;
  std::u16string display_name = {};
  std::u16string group = {};
  std::vector<std::u16string> depends = {};         // on services
  std::vector<std::u16string> depends_groups = {};  // on groups
  ULONG tag = 0;                                    // 0: none
  std::u16string description = {};
};

// A key as it was read.
struct Service : ServiceSettings {
  std::u16string name;
  bool deleted = false;  // DeleteFlag: it goes when its driver does, at the latest with the next boot
};

// What is given is written; an empty text or list, and tag 0, take the value away.
struct ServiceChange {
  std::optional<ULONG> type = {}, start = {}, error_control = {}, tag = {};
  std::optional<std::u16string> image_path = {}, display_name = {}, group = {}, description = {};
  std::optional<std::vector<std::u16string>> depends = {}, depends_groups = {};
};

// Whether a service's key may have that name: 1 to 256 characters, none of them / \ or a comma.
bool is_service_name(std::u16string_view name);

// Each of these is one transaction: after the death of the process at any moment, all or nothing of it is there.
// STATUS_OBJECT_NAME_COLLISION when there is such a service; what else its key holds stays.
NTSTATUS create_service(std::u16string_view name, const ServiceSettings &settings);
// STATUS_OBJECT_NAME_NOT_FOUND.
NTSTATUS change_service(std::u16string_view name, const ServiceChange &change);
// Sets DeleteFlag, and Start to kDisabled.
NTSTATUS mark_service_deleted(std::u16string_view name);
// Removes the key and all below it.
NTSTATUS delete_service(std::u16string_view name);

// STATUS_OBJECT_NAME_NOT_FOUND; so too for a key that holds no service (no Type).
Result<Service> read_service(std::u16string_view name);
// In the order of their creation.
Result<std::vector<Service>> list_services();
// The order in which groups load: Control\ServiceGroupOrder\List.
Result<std::vector<std::u16string>> group_order();

// For a driver that is loaded without a service: makes its service, unless there is one.
std::optional<NTSTATUS> create_service_key(std::u16string_view name, const ServiceSettings &settings);

// At boot: removes services that were deleted while their driver ran, and gives a new hive its order of groups.
NTSTATUS prepare_services();

}  // namespace ntemu::cm
