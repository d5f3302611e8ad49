#include "ntemu/io/irp_buffers.h"

#include <algorithm>
#include <cstring>

#include "ntemu/io/irp.h"
#include "ntemu/mm/mdl.h"

namespace ntemu::io {
namespace {

NTSTATUS attach_system_buffer(PIRP irp, const void *input, ULONG input_length, ULONG length) {
  irp->AssociatedIrp.SystemBuffer = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, length, kBufferTag);
  if (!irp->AssociatedIrp.SystemBuffer) return STATUS_INSUFFICIENT_RESOURCES;
  irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
  if (input_length) std::memcpy(irp->AssociatedIrp.SystemBuffer, input, input_length);
  return STATUS_SUCCESS;
}

NTSTATUS attach_mdl(PIRP irp, void *buffer, ULONG length, LOCK_OPERATION operation, KPROCESSOR_MODE mode) {
  PMDL mdl = IoAllocateMdl(buffer, length, FALSE, TRUE, irp);
  return mdl ? mm::lock_pages(mdl, mode, operation) : STATUS_INSUFFICIENT_RESOURCES;
}

}  // namespace

NTSTATUS attach_transfer(PIRP irp, ULONG device_flags, bool read, void *buffer, ULONG length, KPROCESSOR_MODE mode) {
  if (device_flags & DO_BUFFERED_IO) {
    irp->Flags |= IRP_BUFFERED_IO | (read ? IRP_INPUT_OPERATION : 0U);
    if (length == 0) return STATUS_SUCCESS;
    irp->UserBuffer = read ? buffer : nullptr;
    return attach_system_buffer(irp, buffer, read ? 0 : length, length);
  }
  if (device_flags & DO_DIRECT_IO)
    return length ? attach_mdl(irp, buffer, length, read ? IoWriteAccess : IoReadAccess, mode) : STATUS_SUCCESS;
  irp->UserBuffer = buffer;
  return STATUS_SUCCESS;
}

NTSTATUS attach_control(PIRP irp, ULONG code, const ControlBuffers &buffers, KPROCESSOR_MODE mode) {
  auto &parameters = first_location(irp)->Parameters.DeviceIoControl;
  parameters.OutputBufferLength = buffers.output_length;
  parameters.InputBufferLength = buffers.input_length;
  parameters.IoControlCode = code;
  const ULONG method = METHOD_FROM_CTL_CODE(code);
  if (method == METHOD_NEITHER) {
    parameters.Type3InputBuffer = buffers.input;
    irp->UserBuffer = buffers.output;
    return STATUS_SUCCESS;
  }
  if (method == METHOD_BUFFERED) {
    irp->UserBuffer = buffers.output;
    const ULONG length = std::max(buffers.input_length, buffers.output_length);
    if (length == 0) return STATUS_SUCCESS;
    if (buffers.output_length) irp->Flags |= IRP_INPUT_OPERATION;
    return attach_system_buffer(irp, buffers.input, buffers.input_length, length);
  }
  if (buffers.input_length) {
    const NTSTATUS status = attach_system_buffer(irp, buffers.input, buffers.input_length, buffers.input_length);
    if (!NT_SUCCESS(status)) return status;
  }
  if (buffers.output_length == 0) return STATUS_SUCCESS;
  const LOCK_OPERATION operation = method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess;
  return attach_mdl(irp, buffers.output, buffers.output_length, operation, mode);
}

}  // namespace ntemu::io
