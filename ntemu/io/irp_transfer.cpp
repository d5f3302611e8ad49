#include "ntemu/io/irp_transfer.h"

#include <cstring>

#include "ntemu/io/irp.h"

namespace ntemu::io {
namespace {

// Gives the driver the caller's memory the way that its device asks for.
bool attach_buffer(PIRP irp, ULONG device_flags, bool read, void *buffer, ULONG length) {
  if (device_flags & DO_BUFFERED_IO) {
    irp->Flags |= IRP_BUFFERED_IO | (read ? IRP_INPUT_OPERATION : 0U);
    if (length == 0) return true;
    irp->AssociatedIrp.SystemBuffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, length, kBufferTag);
    if (!irp->AssociatedIrp.SystemBuffer) return false;
    irp->Flags |= IRP_DEALLOCATE_BUFFER;
    irp->UserBuffer = read ? buffer : nullptr;
    if (!read) std::memcpy(irp->AssociatedIrp.SystemBuffer, buffer, length);
    return true;
  }
  if (device_flags & DO_DIRECT_IO) return length == 0 || attach_mdl(irp, buffer, length);
  irp->UserBuffer = buffer;
  return true;
}

}  // namespace

NTSTATUS transfer_on_device(FileInUse &file, UCHAR major_function, HANDLE event_handle, IO_STATUS_BLOCK *io_status,
                            void *buffer, ULONG length, const LARGE_INTEGER *wanted, KPROCESSOR_MODE mode) {
  const bool at_position = !wanted || (wanted->HighPart == -1 && wanted->LowPart == FILE_USE_FILE_POINTER_POSITION);
  if (at_position && !file.synchronous()) return STATUS_INVALID_PARAMETER;
  CompletionEvent event(event_handle, mode);
  if (!NT_SUCCESS(event.status())) return event.status();
  file.lock();
  FILE_OBJECT &object = file.object();
  PDEVICE_OBJECT device = object.DeviceObject;
  const bool read = major_function == IRP_MJ_READ;
  PIRP irp = make_irp(device, &object, major_function, read ? IRP_READ_OPERATION : IRP_WRITE_OPERATION);
  if (!irp) return STATUS_INSUFFICIENT_RESOURCES;
  irp->RequestorMode = mode;
  if (!attach_buffer(irp, device->Flags, read, buffer, length)) {
    drop_irp(irp);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  // The position is the driver's to move.
  const LARGE_INTEGER offset = at_position ? object.CurrentByteOffset : *wanted;
  PIO_STACK_LOCATION location = first_location(irp);
  if (read) {
    location->Parameters.Read.Length = length;
    location->Parameters.Read.ByteOffset = offset;
  } else {
    location->Parameters.Write.Length = length;
    location->Parameters.Write.ByteOffset = offset;
  }
  if (!file.synchronous()) {
    KeClearEvent(&object.Event);
    ob::reference(&object);
    return call_without_waiting(device, irp, io_status, event.release());
  }
  const IO_STATUS_BLOCK result = call_and_wait(device, irp);
  if (!NT_ERROR(result.Status)) *io_status = result;
  event.set();
  return result.Status;
}

}  // namespace ntemu::io
