// Requests on the files of devices that are no volumes.
#pragma once

#include "ntemu/io/file_lock.h"
#include "ntemu/io/irp_buffers.h"

namespace ntemu::io {

// `major_function`: IRP_MJ_READ or IRP_MJ_WRITE. `event_handle` as in Zw*File.
NTSTATUS transfer_on_device(FileInUse &file, UCHAR major_function, HANDLE event_handle, IO_STATUS_BLOCK *io_status,
                            void *buffer, ULONG length, const LARGE_INTEGER *wanted, KPROCESSOR_MODE mode);
// `major_function`: IRP_MJ_DEVICE_CONTROL or IRP_MJ_FILE_SYSTEM_CONTROL.
NTSTATUS control_device(FileInUse &file, UCHAR major_function, HANDLE event_handle, IO_STATUS_BLOCK *io_status,
                        ULONG code, const ControlBuffers &buffers, KPROCESSOR_MODE mode);
// Waits for the driver, whatever kind of file it is.
NTSTATUS flush_device(FileInUse &file, IO_STATUS_BLOCK *io_status, KPROCESSOR_MODE mode);

}  // namespace ntemu::io
