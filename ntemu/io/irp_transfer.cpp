#include "ntemu/io/irp_transfer.h"

#include "ntemu/io/device.h"
#include "ntemu/io/irp.h"

namespace ntemu::io {
namespace {

// The answer to a request that waited. An error that the driver's routine returned at once leaves the status block
// alone, and no event is set.
NTSTATUS take(const Answer &answer, FILE_OBJECT &file, CompletionEvent *event, IO_STATUS_BLOCK *io_status) {
  if (NT_ERROR(answer.result.Status) && !answer.pended) return answer.result.Status;
  *io_status = answer.result;
  file.FinalStatus = answer.result.Status;
  KeSetEvent(&file.Event, IO_NO_INCREMENT, FALSE);
  if (event) event->set();
  return answer.result.Status;
}

// Sends an IRP that is complete, on a file that is locked.
NTSTATUS send(FileInUse &file, PDEVICE_OBJECT device, PIRP irp, CompletionEvent &event, IO_STATUS_BLOCK *io_status) {
  FILE_OBJECT &object = file.object();
  KeClearEvent(&object.Event);
  if (file.synchronous()) return take(call_and_wait(device, irp), object, &event, io_status);
  ob::reference(&object);
  return call_without_waiting(device, irp, io_status, event.release());
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
  PDEVICE_OBJECT device = top_of(object.DeviceObject);
  const bool read = major_function == IRP_MJ_READ;
  PIRP irp = make_irp(device, &object, major_function, read ? IRP_READ_OPERATION : IRP_WRITE_OPERATION);
  if (!irp) return STATUS_INSUFFICIENT_RESOURCES;
  irp->RequestorMode = mode;
  if (const NTSTATUS status = attach_transfer(irp, device->Flags, read, buffer, length, mode); !NT_SUCCESS(status)) {
    drop_irp(irp);
    return status;
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
  return send(file, device, irp, event, io_status);
}

NTSTATUS control_device(FileInUse &file, UCHAR major_function, HANDLE event_handle, IO_STATUS_BLOCK *io_status,
                        ULONG code, const ControlBuffers &buffers, KPROCESSOR_MODE mode) {
  CompletionEvent event(event_handle, mode);
  if (!NT_SUCCESS(event.status())) return event.status();
  file.lock();
  PDEVICE_OBJECT device = top_of(file.object().DeviceObject);
  PIRP irp = make_irp(device, &file.object(), major_function, 0);
  if (!irp) return STATUS_INSUFFICIENT_RESOURCES;
  irp->RequestorMode = mode;
  if (const NTSTATUS status = attach_control(irp, code, buffers, mode); !NT_SUCCESS(status)) {
    drop_irp(irp);
    return status;
  }
  return send(file, device, irp, event, io_status);
}

NTSTATUS flush_device(FileInUse &file, IO_STATUS_BLOCK *io_status, KPROCESSOR_MODE mode) {
  file.lock();
  FILE_OBJECT &object = file.object();
  PDEVICE_OBJECT device = top_of(object.DeviceObject);
  PIRP irp = make_irp(device, &object, IRP_MJ_FLUSH_BUFFERS, 0);
  if (!irp) return STATUS_INSUFFICIENT_RESOURCES;
  irp->RequestorMode = mode;
  KeClearEvent(&object.Event);
  return take(call_and_wait(device, irp), object, nullptr, io_status);
}

}  // namespace ntemu::io
