// Device objects.
#pragma once

#include <string>
#include <vector>

#include "ntemu/base/lock.h"
#include "ntemu/ob/object.h"

// What Windows keeps behind the public part of DEVOBJ_EXTENSION. Source: the fields that !devobj and dt show.
typedef struct _DEVOBJ_PRIVATE_EXTENSION {
  DEVOBJ_EXTENSION Public;
  ULONG PowerFlags;
  struct _DEVICE_OBJECT_POWER_EXTENSION *Dope;
  ULONG ExtensionFlags;  // DOE_...
  PVOID DeviceNode;
  PDEVICE_OBJECT AttachedTo;
} DEVOBJ_PRIVATE_EXTENSION;
NTEMU_ASSERT_OFFSET(DEVOBJ_PRIVATE_EXTENSION, ExtensionFlags, 0x20);
NTEMU_ASSERT_OFFSET(DEVOBJ_PRIVATE_EXTENSION, AttachedTo, 0x30);

#define DOE_UNLOAD_PENDING 0x1
#define DOE_DELETE_PENDING 0x2

namespace ntemu::io {

inline constexpr CSHORT kDeviceType = 3;
inline constexpr CSHORT kDriverType = 4;
inline constexpr CSHORT kDeviceExtensionType = 13;

extern _OBJECT_TYPE device_type;

// Guards DriverObject->DeviceObject, NextDevice, ReferenceCount, what is attached, and what is pending.
extern base::Mutex devices_mutex;

inline DEVOBJ_PRIVATE_EXTENSION &private_part(PDEVICE_OBJECT device) {
  return *reinterpret_cast<DEVOBJ_PRIVATE_EXTENSION *>(device->DeviceObjectExtension);
}
bool is_delete_pending(PDEVICE_OBJECT device);

// An open of the device begins: it counts in ReferenceCount until end_open, and no DriverUnload begins before. A
// `relative` one (to another file of the device) is not subject to DO_EXCLUSIVE. STATUS_NO_SUCH_DEVICE while its driver
// initializes it, when it is to be deleted and when its driver is to be unloaded (unverified); STATUS_ACCESS_DENIED
// when it is exclusive and open.
NTSTATUS begin_open(PDEVICE_OBJECT device, bool relative);
void end_open(PDEVICE_OBJECT device);
// Takes the device out of its stack. True when it was in one.
bool leave_stack(PDEVICE_OBJECT device);
// Nothing is attached to the device any more: what waited for that happens.
void end_attachment(PDEVICE_OBJECT device);
// The device at the top of its stack, at any IRQL: where requests go.
inline PDEVICE_OBJECT top_of(PDEVICE_OBJECT device) {
  while (PDEVICE_OBJECT above = __atomic_load_n(&device->AttachedDevice, __ATOMIC_ACQUIRE)) device = above;
  return device;
}
// From now on no device of the driver is opened. True when none is open, or has another attached; otherwise
// unload_idle_driver is called when the last file of the last one is closed, and the last attachment gone.
bool begin_unload(PDRIVER_OBJECT driver);
void unload_idle_driver(PDRIVER_OBJECT driver);
// The devices of a driver, newest first, as its DeviceObject list has them.
std::vector<PDEVICE_OBJECT> devices_of(PDRIVER_OBJECT driver);
// Its name, or its address when it has none.
std::string describe_device(PDEVICE_OBJECT device);

}  // namespace ntemu::io
