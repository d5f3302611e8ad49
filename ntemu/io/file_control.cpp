// ZwDeviceIoControlFile, ZwFsControlFile, ZwFlushBuffersFile.
#include "ntemu/api/enter.h"
#include "ntemu/io/file.h"
#include "ntemu/io/file_access.h"
#include "ntemu/io/irp_transfer.h"
#include "ntemu/ke/bugcheck.h"

using namespace ntemu;

namespace ntemu::io {

NTSTATUS control_file(HANDLE handle, HANDLE event, IO_STATUS_BLOCK *io_status, UCHAR major_function, ULONG code,
                      const ControlBuffers &buffers, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!file.is_device()) return NT_SUCCESS(file.status()) ? STATUS_INVALID_DEVICE_REQUEST : file.status();
  // FILE_READ_ACCESS and FILE_WRITE_ACCESS are FILE_READ_DATA and FILE_WRITE_DATA.
  const ACCESS_MASK needed = (code >> 14) & (FILE_READ_ACCESS | FILE_WRITE_ACCESS);
  if (mode == UserMode && (file.granted() & needed) != needed) return STATUS_ACCESS_DENIED;
  return control_device(file, major_function, event, io_status, code, buffers, mode);
}

NTSTATUS flush_file(HANDLE handle, IO_STATUS_BLOCK *io_status, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!file.is_device() && !NT_SUCCESS(file.status())) return file.status();
  if (mode == UserMode && !(file.granted() & kAccessToWrite)) return STATUS_ACCESS_DENIED;
  if (file.is_device()) return flush_device(file, io_status, mode);
  file.lock();
  const NTSTATUS status = file.open().flush();
  if (NT_ERROR(status)) return status;
  io_status->Status = status;
  io_status->Information = 0;
  return status;
}

}  // namespace ntemu::io

NTSTATUS ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength) {
  NT_ENTER(ZwDeviceIoControlFile, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, IoControlCode, InputBuffer,
           InputBufferLength, OutputBuffer, OutputBufferLength);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (ApcRoutine) return STATUS_NOT_SUPPORTED;
  return io::control_file(FileHandle, Event, IoStatusBlock, IRP_MJ_DEVICE_CONTROL, IoControlCode,
                          {InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength}, KernelMode);
}

NTSTATUS ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                         PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                         ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength) {
  NT_ENTER(ZwFsControlFile, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, FsControlCode, InputBuffer,
           InputBufferLength, OutputBuffer, OutputBufferLength);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (ApcRoutine) return STATUS_NOT_SUPPORTED;
  return io::control_file(FileHandle, Event, IoStatusBlock, IRP_MJ_FILE_SYSTEM_CONTROL, FsControlCode,
                          {InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength}, KernelMode);
}

NTSTATUS ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock) {
  NT_ENTER(ZwFlushBuffersFile, FileHandle, IoStatusBlock);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  return io::flush_file(FileHandle, IoStatusBlock, KernelMode);
}
