// Reading from and writing to devices that are no volumes.
#pragma once

#include "ntemu/io/file_lock.h"

namespace ntemu::io {

// `major_function`: IRP_MJ_READ or IRP_MJ_WRITE. `event_handle` as in Zw*File.
NTSTATUS transfer_on_device(FileInUse &file, UCHAR major_function, HANDLE event_handle, IO_STATUS_BLOCK *io_status,
                            void *buffer, ULONG length, const LARGE_INTEGER *wanted, KPROCESSOR_MODE mode);

}  // namespace ntemu::io
