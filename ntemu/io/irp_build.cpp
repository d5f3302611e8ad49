// Requests that drivers build for other drivers, and that the completion frees.
#include "ntemu/api/enter.h"
#include "ntemu/io/irp.h"
#include "ntemu/io/irp_buffers.h"
#include "ntemu/ke/thread.h"

using namespace ntemu;

namespace {

bool transfers(ULONG major_function) { return major_function == IRP_MJ_READ || major_function == IRP_MJ_WRITE; }

// nullptr when memory is short, or the buffer is not there.
PIRP build_request(ULONG major_function, PDEVICE_OBJECT device, void *buffer, ULONG length,
                   const LARGE_INTEGER *offset) {
  PIRP irp = io::make_irp(device, nullptr, static_cast<UCHAR>(major_function), 0);
  if (!irp || !transfers(major_function)) return irp;
  const bool read = major_function == IRP_MJ_READ;
  if (!NT_SUCCESS(io::attach_transfer(irp, device->Flags, read, buffer, length, KernelMode))) {
    io::drop_irp(irp);
    return nullptr;
  }
  const LARGE_INTEGER start = offset ? *offset : LARGE_INTEGER{};
  PIO_STACK_LOCATION location = io::first_location(irp);
  if (read) {
    location->Parameters.Read.Length = length;
    location->Parameters.Read.ByteOffset = start;
  } else {
    location->Parameters.Write.Length = length;
    location->Parameters.Write.ByteOffset = start;
  }
  return irp;
}

// The sender may wait for `event`; the IRP is the calling thread's.
PIRP make_threaded(PIRP irp, PKEVENT event, PIO_STATUS_BLOCK io_status) {
  if (!irp) return nullptr;
  irp->Flags |= IRP_SYNCHRONOUS_API;
  irp->UserEvent = event;
  irp->UserIosb = io_status;
  io::queue_to_thread(irp);
  return irp;
}

}  // namespace

PIRP IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                   PLARGE_INTEGER StartingOffset, PIO_STATUS_BLOCK IoStatusBlock) {
  NT_ENTER(IoBuildAsynchronousFsdRequest, MajorFunction, DeviceObject, Buffer, Length, StartingOffset, IoStatusBlock);
  PIRP irp = build_request(MajorFunction, DeviceObject, Buffer, Length, StartingOffset);
  if (irp) irp->UserIosb = IoStatusBlock;
  return irp;
}

PIRP IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length,
                                  PLARGE_INTEGER StartingOffset, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  NT_ENTER(IoBuildSynchronousFsdRequest, MajorFunction, DeviceObject, Buffer, Length, StartingOffset, Event,
           IoStatusBlock);
  return make_threaded(build_request(MajorFunction, DeviceObject, Buffer, Length, StartingOffset), Event,
                       IoStatusBlock);
}

PIRP IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                                   ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                                   BOOLEAN InternalDeviceIoControl, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock) {
  NT_ENTER(IoBuildDeviceIoControlRequest, IoControlCode, DeviceObject, InputBuffer, InputBufferLength, OutputBuffer,
           OutputBufferLength, InternalDeviceIoControl, Event, IoStatusBlock);
  const UCHAR major_function = InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
  PIRP irp = io::make_irp(DeviceObject, nullptr, major_function, 0);
  if (!irp) return nullptr;
  const io::ControlBuffers buffers{InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength};
  if (!NT_SUCCESS(io::attach_control(irp, IoControlCode, buffers, KernelMode))) {
    io::drop_irp(irp);
    return nullptr;
  }
  return make_threaded(irp, Event, IoStatusBlock);
}
