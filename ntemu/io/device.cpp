#include "ntemu/io/device.h"

#include <fmt/format.h>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/io/file.h"
#include "ntemu/io/file_object.h"
#include "ntemu/io/io_timer.h"

using namespace ntemu;
using io::devices_mutex;
using io::private_part;

base::Mutex io::devices_mutex;

namespace {

constexpr size_t kAlignment = MEMORY_ALLOCATION_ALIGNMENT;

size_t align(size_t size) { return (size + kAlignment - 1) & ~(kAlignment - 1); }

void link(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  base::Guard guard(devices_mutex);
  device->NextDevice = driver->DeviceObject;
  driver->DeviceObject = device;
}

void unlink(PDEVICE_OBJECT device) NTEMU_REQUIRES(devices_mutex) {
  PDEVICE_OBJECT *at = &device->DriverObject->DeviceObject;
  while (*at && *at != device) at = &(*at)->NextDevice;
  if (*at) *at = device->NextDevice;
  device->NextDevice = nullptr;
}

void delete_device_body(void *body) {
  auto *device = static_cast<PDEVICE_OBJECT>(body);
  if (!device->DriverObject) return;
  {
    base::Guard guard(devices_mutex);
    unlink(device);
  }
  ob::dereference(device->DriverObject);
}

// An open device, and one that another is attached to, stays its driver's.
bool in_use(PDEVICE_OBJECT device) NTEMU_REQUIRES(devices_mutex) {
  return device->ReferenceCount > 0 || device->AttachedDevice;
}

bool any_in_use(PDRIVER_OBJECT driver) NTEMU_REQUIRES(devices_mutex) {
  for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice) {
    if (in_use(device)) return true;
  }
  return false;
}

enum class Use { kOpen, kAttachment };

// One use of the device ends.
void end_use(PDEVICE_OBJECT device, Use use) {
  PDRIVER_OBJECT driver = device->DriverObject;
  bool removed = false, unload = false;
  {
    base::Guard guard(devices_mutex);
    if (use == Use::kOpen) --device->ReferenceCount;
    if (!in_use(device)) {
      removed = private_part(device).ExtensionFlags & DOE_DELETE_PENDING;
      if (removed) unlink(device);
      unload = (__atomic_load_n(&driver->Flags, __ATOMIC_RELAXED) & DRVO_UNLOAD_INVOKED) && !any_in_use(driver);
    }
  }
  if (unload) io::unload_idle_driver(driver);
  if (removed) ob::dereference(device);
}

Result<void *> parse_device(void *body, std::u16string_view rest, ob::OpenRequest &request) {
  auto *device = static_cast<PDEVICE_OBJECT>(body);
  if (io::is_mounted(device)) return io::open_file_on_volume(device, rest, request);
  return io::open_device(device, nullptr, rest, request);
}

void fill(PDEVICE_OBJECT device, PDRIVER_OBJECT driver, ULONG extension_size, DEVICE_TYPE type, ULONG characteristics) {
  device->Type = io::kDeviceType;
  device->Size = static_cast<USHORT>(sizeof(DEVICE_OBJECT) + extension_size);
  device->DriverObject = driver;
  device->Flags = DO_DEVICE_INITIALIZING;
  device->Characteristics = characteristics;
  device->DeviceExtension = extension_size ? device + 1 : nullptr;
  device->DeviceType = type;
  device->StackSize = 1;
  device->DeviceQueue.Type = 20;
  device->DeviceQueue.Size = sizeof(KDEVICE_QUEUE);
  InitializeListHead(&device->DeviceQueue.DeviceListHead);
  KeInitializeEvent(&device->DeviceLock, SynchronizationEvent, TRUE);
  switch (type) {
    case FILE_DEVICE_DISK:
    case FILE_DEVICE_VIRTUAL_DISK:
    case FILE_DEVICE_DISK_FILE_SYSTEM:
      device->SectorSize = 512;
      break;
    case FILE_DEVICE_CD_ROM:
    case FILE_DEVICE_CD_ROM_FILE_SYSTEM:
      device->SectorSize = 2048;
      break;
    default:
      break;
  }
  auto *extension =
      reinterpret_cast<DEVOBJ_PRIVATE_EXTENSION *>(reinterpret_cast<char *>(device + 1) + align(extension_size));
  extension->Public.Type = io::kDeviceExtensionType;
  extension->Public.DeviceObject = device;
  device->DeviceObjectExtension = &extension->Public;
}

}  // namespace

namespace ntemu::io {

_OBJECT_TYPE device_type{
    .name = u"Device",
    .valid_access = FILE_ALL_ACCESS,
    .generic_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
    .on_delete = delete_device_body,
    .parse = parse_device};

bool is_delete_pending(PDEVICE_OBJECT device) {
  return __atomic_load_n(&private_part(device).ExtensionFlags, __ATOMIC_RELAXED) & DOE_DELETE_PENDING;
}

NTSTATUS begin_open(PDEVICE_OBJECT device, bool relative) {
  base::Guard guard(devices_mutex);
  if (private_part(device).ExtensionFlags & (DOE_DELETE_PENDING | DOE_UNLOAD_PENDING)) return STATUS_NO_SUCH_DEVICE;
  const ULONG flags = __atomic_load_n(&device->Flags, __ATOMIC_ACQUIRE);
  const ULONG driver_flags = __atomic_load_n(&device->DriverObject->Flags, __ATOMIC_RELAXED);
  if (driver_flags & DRVO_UNLOAD_INVOKED) return STATUS_NO_SUCH_DEVICE;  // a device made since
  if (flags & DO_DEVICE_INITIALIZING) return STATUS_NO_SUCH_DEVICE;
  if (!relative && (flags & DO_EXCLUSIVE) && device->ReferenceCount > 0) return STATUS_ACCESS_DENIED;
  ++device->ReferenceCount;
  return STATUS_SUCCESS;
}

void end_open(PDEVICE_OBJECT device) { end_use(device, Use::kOpen); }
void end_attachment(PDEVICE_OBJECT device) { end_use(device, Use::kAttachment); }

bool begin_unload(PDRIVER_OBJECT driver) {
  base::Guard guard(devices_mutex);
  __atomic_fetch_or(&driver->Flags, DRVO_UNLOAD_INVOKED, __ATOMIC_RELAXED);
  for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice) {
    __atomic_fetch_or(&private_part(device).ExtensionFlags, DOE_UNLOAD_PENDING, __ATOMIC_RELAXED);
  }
  return !any_in_use(driver);
}

std::vector<PDEVICE_OBJECT> devices_of(PDRIVER_OBJECT driver) {
  base::Guard guard(devices_mutex);
  std::vector<PDEVICE_OBJECT> devices;
  for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice) devices.push_back(device);
  return devices;
}

std::string describe_device(PDEVICE_OBJECT device) {
  const std::u16string name = ob::name_of(device);
  return name.empty() ? fmt::format("device {}", fmt::ptr(device)) : base::to_utf8(name);
}

}  // namespace ntemu::io

namespace {
POBJECT_TYPE device_type_pointer = &io::device_type;
}

extern "C" {
POBJECT_TYPE *IoDeviceObjectType = &device_type_pointer;
}

NTSTATUS IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize, PUNICODE_STRING DeviceName,
                        DEVICE_TYPE DeviceType, ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                        PDEVICE_OBJECT *DeviceObject) {
  NT_ENTER(IoCreateDevice, DriverObject, DeviceExtensionSize, DeviceName, DeviceType, DeviceCharacteristics, Exclusive,
           DeviceObject);
  *DeviceObject = nullptr;
  // DEVICE_OBJECT.Size has 16 bits.
  if (DeviceExtensionSize > 0xFFFF - sizeof(DEVICE_OBJECT)) return STATUS_INSUFFICIENT_RESOURCES;
  const bool named = DeviceName && DeviceName->Length != 0;
  if (named && DeviceName->Length % sizeof(WCHAR)) return STATUS_OBJECT_NAME_INVALID;
  const size_t size = sizeof(DEVICE_OBJECT) + align(DeviceExtensionSize) + sizeof(DEVOBJ_PRIVATE_EXTENSION);
  auto *device = static_cast<PDEVICE_OBJECT>(ob::create(io::device_type, size));
  if (!device) return STATUS_INSUFFICIENT_RESOURCES;
  fill(device, DriverObject, DeviceExtensionSize, DeviceType, DeviceCharacteristics);
  if (Exclusive) device->Flags |= DO_EXCLUSIVE;
  if (named) device->Flags |= DO_DEVICE_HAS_NAME;
  ob::reference(DriverObject);
  link(DriverObject, device);
  // Last, since from here on others can open it.
  if (named) {
    if (const NTSTATUS status = ob::insert_name(device, base::view(*DeviceName)); !NT_SUCCESS(status)) {
      ob::dereference(device);
      return status;
    }
  }
  *DeviceObject = device;
  return STATUS_SUCCESS;
}

VOID IoDeleteDevice(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoDeleteDevice, DeviceObject);
  io::delete_timer(DeviceObject);
  if (io::leave_stack(DeviceObject)) {
    // On Windows requests to the stack would lead into freed memory from now on.
    base::log(base::Level::kError, "io", "{} is deleted while it is attached to another: IoDetachDevice comes first",
              io::describe_device(DeviceObject));
  }
  bool used;
  {
    base::Guard guard(devices_mutex);
    ULONG &flags = private_part(DeviceObject).ExtensionFlags;
    if (flags & DOE_DELETE_PENDING) return;  // its deletion waits for the last reference already
    __atomic_fetch_or(&flags, DOE_DELETE_PENDING, __ATOMIC_ACQ_REL);
    used = in_use(DeviceObject);
    if (!used) unlink(DeviceObject);
  }
  ob::remove_name(DeviceObject);
  if (!used) ob::dereference(DeviceObject);
}
