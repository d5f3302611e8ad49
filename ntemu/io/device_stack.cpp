// Stacks of devices: who is attached to whom, and where requests go.
#include "ntemu/api/enter.h"
#include "ntemu/io/device.h"
#include "ntemu/io/file.h"

using namespace ntemu;
using io::devices_mutex;

namespace {

constexpr CCHAR kHighestStack = 126;  // StackCount + 2 has to fit into IRP.CurrentLocation

bool takes_no_more(PDEVICE_OBJECT device) NTEMU_REQUIRES(devices_mutex) {
  const ULONG flags = __atomic_load_n(&device->Flags, __ATOMIC_ACQUIRE);
  return (flags & DO_DEVICE_INITIALIZING) ||
         (io::private_part(device).ExtensionFlags & (DOE_DELETE_PENDING | DOE_UNLOAD_PENDING)) ||
         device->StackSize >= kHighestStack;
}

// The device below, or nullptr. `attached_to` is written before requests reach `source`.
PDEVICE_OBJECT attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target, PDEVICE_OBJECT *attached_to) {
  base::Guard guard(devices_mutex);
  PDEVICE_OBJECT top = io::top_of(target);
  if (takes_no_more(top)) return nullptr;
  source->StackSize = static_cast<CCHAR>(top->StackSize + 1);
  source->AlignmentRequirement = top->AlignmentRequirement;
  source->SectorSize = top->SectorSize;
  io::private_part(source).AttachedTo = top;
  if (attached_to) *attached_to = top;
  __atomic_store_n(&top->AttachedDevice, source, __ATOMIC_RELEASE);
  return top;
}

PDEVICE_OBJECT related(const FILE_OBJECT &file) {
  return io::top_of(file.Vpb && file.Vpb->DeviceObject ? file.Vpb->DeviceObject : file.DeviceObject);
}

// False when nothing was attached to `below`.
bool detach_from(PDEVICE_OBJECT below) {
  {
    base::Guard guard(devices_mutex);
    PDEVICE_OBJECT above = below->AttachedDevice;
    if (!above) return false;
    io::private_part(above).AttachedTo = nullptr;
    __atomic_store_n(&below->AttachedDevice, nullptr, __ATOMIC_RELEASE);
  }
  io::end_attachment(below);
  return true;
}

}  // namespace

bool ntemu::io::leave_stack(PDEVICE_OBJECT device) {
  PDEVICE_OBJECT below;
  {
    base::Guard guard(devices_mutex);
    below = private_part(device).AttachedTo;
  }
  return below && detach_from(below);
}

PDEVICE_OBJECT IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice) {
  NT_ENTER(IoAttachDeviceToDeviceStack, SourceDevice, TargetDevice);
  return attach(SourceDevice, TargetDevice, nullptr);
}

NTSTATUS IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                         PDEVICE_OBJECT *AttachedToDeviceObject) {
  NT_ENTER(IoAttachDeviceToDeviceStackSafe, SourceDevice, TargetDevice, AttachedToDeviceObject);
  return attach(SourceDevice, TargetDevice, AttachedToDeviceObject) ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice, PDEVICE_OBJECT *AttachedDevice) {
  NT_ENTER(IoAttachDevice, SourceDevice, TargetDevice, AttachedDevice);
  PFILE_OBJECT file;
  PDEVICE_OBJECT target;
  const NTSTATUS status = IoGetDeviceObjectPointer(TargetDevice, FILE_READ_ATTRIBUTES, &file, &target);
  if (!NT_SUCCESS(status)) return status;
  PDEVICE_OBJECT below = attach(SourceDevice, target, AttachedDevice);
  ob::dereference(file);
  return below ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

VOID IoDetachDevice(PDEVICE_OBJECT TargetDevice) {
  NT_ENTER(IoDetachDevice, TargetDevice);
  detach_from(TargetDevice);
}

PDEVICE_OBJECT IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoGetAttachedDevice, DeviceObject);
  return io::top_of(DeviceObject);
}

PDEVICE_OBJECT IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoGetAttachedDeviceReference, DeviceObject);
  base::Guard guard(devices_mutex);
  PDEVICE_OBJECT top = io::top_of(DeviceObject);
  ob::reference(top);
  return top;
}

PDEVICE_OBJECT IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoGetLowerDeviceObject, DeviceObject);
  base::Guard guard(devices_mutex);
  if (io::private_part(DeviceObject).ExtensionFlags & (DOE_DELETE_PENDING | DOE_UNLOAD_PENDING)) return nullptr;
  PDEVICE_OBJECT below = io::private_part(DeviceObject).AttachedTo;
  if (below) ob::reference(below);
  return below;
}

PDEVICE_OBJECT IoGetRelatedDeviceObject(PFILE_OBJECT FileObject) {
  NT_ENTER(IoGetRelatedDeviceObject, FileObject);
  return related(*FileObject);
}

NTSTATUS IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess, PFILE_OBJECT *FileObject,
                                  PDEVICE_OBJECT *DeviceObject) {
  NT_ENTER(IoGetDeviceObjectPointer, ObjectName, DesiredAccess, FileObject, DeviceObject);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, ObjectName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE handle;
  IO_STATUS_BLOCK io_status;
  NTSTATUS status = ZwOpenFile(&handle, DesiredAccess, &attributes, &io_status, 0, FILE_NON_DIRECTORY_FILE);
  if (!NT_SUCCESS(status)) return status;
  const auto found = ob::reference_by_handle(handle, 0, &io::file_type, KernelMode, nullptr);
  if (found) {
    *FileObject = static_cast<PFILE_OBJECT>(*found);
    *DeviceObject = related(**FileObject);
  }
  status = found.status();
  ZwClose(handle);
  return status;
}
