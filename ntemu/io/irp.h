// I/O request packets that the I/O manager itself sends to drivers.
#pragma once

#include "ntifs.h"

namespace ntemu::io {

inline constexpr ULONG kBufferTag = 0x66754249;  // of AssociatedIrp.SystemBuffer; shows as IBuf

// An IRP for the driver of `device` whose first stack location is filled but for Parameters; nullptr when memory is
// short. Completing it frees it.
PIRP make_irp(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major_function, ULONG flags);
// Where its Parameters go.
inline PIO_STACK_LOCATION first_location(PIRP irp) { return IoGetNextIrpStackLocation(irp); }

// Calls the driver and waits until the IRP is completed; what the completion says. A driver that never completes it
// keeps its caller waiting for as long as the machine lives.
IO_STATUS_BLOCK call_and_wait(PDEVICE_OBJECT device, PIRP irp);
// Calls the driver and returns what it does. After STATUS_PENDING the completion writes `io_status`, sets `event` and
// the file's own event, and drops the reference to `event` and to the file, which it takes over.
NTSTATUS call_without_waiting(PDEVICE_OBJECT device, PIRP irp, IO_STATUS_BLOCK *io_status, PKEVENT event);

// An IRP that no driver has seen.
void drop_irp(PIRP irp);

// Describes `buffer` to a driver that does direct I/O. False when memory is short.
bool attach_mdl(PIRP irp, void *buffer, ULONG length);

}  // namespace ntemu::io

extern "C" NTSTATUS IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp);
