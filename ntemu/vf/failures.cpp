// Which APIs can fail for want of memory or of another thing that runs short, and how.
#include <unordered_map>

#include "ntemu/vf/fault.h"

namespace ntemu::vf {

const std::vector<Failure> &failures() {
  constexpr int64_t kNull = 0;
  constexpr int64_t kShort = STATUS_INSUFFICIENT_RESOURCES;
  static const auto *all = new std::vector<Failure>{
      {"ExAllocatePool", kNull},
      {"ExAllocatePool2", kNull, 2},
      {"ExAllocatePoolUninitialized", kNull, 2},
      {"ExAllocatePoolWithTag", kNull, 2},
      {"ExAllocatePoolZero", kNull, 2},
      {"ExAllocateFromLookasideListEx", kNull},
      {"ExAllocateFromNPagedLookasideList", kNull},
      {"ExAllocateFromPagedLookasideList", kNull},
      {"ExAllocateTimer", kNull},
      {"ExCreateCallback", kShort},
      {"ExInitializeLookasideListEx", kShort},
      {"ExInitializeResourceLite", kShort},
      {"IoAllocateDriverObjectExtension", kShort},
      {"IoAllocateIrp", kNull},
      {"IoAllocateMdl", kNull},
      {"IoAllocateWorkItem", kNull},
      {"IoAttachDevice", kShort},
      {"IoBuildAsynchronousFsdRequest", kNull},
      {"IoBuildDeviceIoControlRequest", kNull},
      {"IoBuildSynchronousFsdRequest", kNull},
      {"IoCreateDevice", kShort},
      {"IoCreateSymbolicLink", kShort},
      {"IoGetDeviceObjectPointer", kShort},
      {"IoInitializeTimer", kShort},
      {"IoMakeAssociatedIrp", kNull},
      {"IoRegisterShutdownNotification", kShort},
      {"KeExpandKernelStackAndCallout", STATUS_NO_MEMORY},
      {"MmMapLockedPagesSpecifyCache", kNull},
      {"ObOpenObjectByPointer", kShort},
      {"PsCreateSystemThread", kShort},
      {"PsSetCreateProcessNotifyRoutine", kShort},
      {"PsSetCreateThreadNotifyRoutine", kShort},
      {"RtlAnsiStringToUnicodeString", STATUS_NO_MEMORY},
      {"RtlUnicodeStringToAnsiString", STATUS_NO_MEMORY},
      {"ZwCreateDirectoryObject", kShort},
      {"ZwCreateEvent", kShort},
      {"ZwCreateFile", kShort},
      {"ZwCreateKey", kShort},
      {"ZwCreateSemaphore", kShort},
      {"ZwCreateTimer", kShort},
      {"ZwDeviceIoControlFile", kShort},
      {"ZwEnumerateKey", kShort},
      {"ZwEnumerateValueKey", kShort},
      {"ZwOpenDirectoryObject", kShort},
      {"ZwOpenEvent", kShort},
      {"ZwOpenFile", kShort},
      {"ZwOpenKey", kShort},
      {"ZwOpenSymbolicLinkObject", kShort},
      {"ZwQueryInformationFile", kShort},
      {"ZwQueryKey", kShort},
      {"ZwQueryValueKey", kShort},
      {"ZwReadFile", kShort},
      {"ZwSetInformationFile", kShort},
      {"ZwSetValueKey", kShort},
      {"ZwWriteFile", kShort},
  };
  return *all;
}

const Failure *find_failure(std::string_view api) {
  static const auto *by_name = [] {
    auto *map = new std::unordered_map<std::string_view, const Failure *>;
    for (const Failure &each : failures()) map->emplace(each.api, &each);
    return map;
  }();
  const auto found = by_name->find(api);
  return found == by_name->end() ? nullptr : found->second;
}

}  // namespace ntemu::vf
