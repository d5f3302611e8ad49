// Driver objects: creation, DriverEntry, DriverUnload, deletion.
#pragma once

#include <string_view>

#include "ntemu/ob/object.h"

namespace ntemu::io {

struct DriverImage {
  void *base = nullptr;
  ULONG size = 0;
  PDRIVER_INITIALIZE entry = nullptr;
  void *section = nullptr;  // the image's entry in PsLoadedModuleList
  bool file_system = false;
};

extern _OBJECT_TYPE driver_type;

// \Driver\<service> (\FileSystem\<service>), as DriverEntry is to find it. STATUS_OBJECT_NAME_COLLISION.
Result<PDRIVER_OBJECT> create_driver(std::u16string_view service, const DriverImage &image);
// Runs DriverEntry on the system worker. When it fails, the driver object and the devices that were left are removed
// (Windows leaves such devices behind); DriverUnload is not called.
NTSTATUS start_driver(PDRIVER_OBJECT driver);
// Runs DriverUnload on the system worker, then removes the driver object. STATUS_INVALID_DEVICE_REQUEST when it has no
// DriverUnload. STATUS_PENDING while files of its devices are open: the devices take no further opens, and DriverUnload
// runs when the last of the files is closed. Devices that DriverUnload leaves stay and are told in the log.
NTSTATUS unload_driver(PDRIVER_OBJECT driver);
// Set by the machine: an unload that was pending is done. On a system worker, without locks.
extern void (*driver_unloaded)(PDRIVER_OBJECT driver);
// Removes the driver object and its devices without asking the driver: for the machine's end and for built-in drivers.
void delete_driver(PDRIVER_OBJECT driver);

}  // namespace ntemu::io
