// I/O request packets: those that the I/O manager sends to drivers itself, and what all of them have in common.
#pragma once

#include <atomic>

#include "ntifs.h"

namespace ntemu::io {

inline constexpr ULONG kBufferTag = 0x66754249;  // of AssociatedIrp.SystemBuffer; shows as IBuf

// IRP.AllocationFlags: bits of ours, where Windows keeps how it allocated the packet. Set and read atomically.
enum AllocationFlag : UCHAR {
  kAnswers = 0x80,    // its sender waits: Answer in irp_send.cpp
  kPinned = 0x40,     // somebody looks at it who does not own it
  kFreeLater = 0x20,  // to be freed by whoever pinned it
  kFinishing = 0x10,  // its sender is being told
};
inline void set_allocation_flag(PIRP irp, AllocationFlag flag) {
  __atomic_fetch_or(&irp->AllocationFlags, flag, __ATOMIC_RELAXED);
}
inline bool has_allocation_flag(const IRP &irp, AllocationFlag flag) {
  return __atomic_load_n(&irp.AllocationFlags, __ATOMIC_RELAXED) & flag;
}

// --- irp.cpp: the packets ---
// Zeroed, with no location filled, as IoAllocateIrp's; nullptr when memory is short.
PIRP allocate_irp(CCHAR stack_size);
// Frees the packet alone.
void free_irp(PIRP irp);
// An IRP for `device` whose first stack location is filled but for Parameters; nullptr when memory is short. Completing
// it frees it. `file`, when there is one, is its OriginalFileObject.
PIRP make_irp(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major_function, ULONG flags);
// Where its Parameters go.
inline PIO_STACK_LOCATION first_location(PIRP irp) { return IoGetNextIrpStackLocation(irp); }
// The caller's memory as the driver sees it goes: the system buffer, MDLs and their locks.
void release_buffers(PIRP irp);
// An IRP that no driver has seen.
void drop_irp(PIRP irp);

// --- irp_complete.cpp ---
// Who calls drivers' routines in the place of the I/O manager while it is set: verification.
struct RoutineCalls {
  NTSTATUS (*dispatch)(PDRIVER_DISPATCH routine, PDEVICE_OBJECT device, PIRP irp);
  NTSTATUS (*completion)(PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp, PVOID context);
};
extern std::atomic<const RoutineCalls *> routine_calls;
bool is_synchronous(const IRP &irp);
// IofCallDriver's work.
NTSTATUS call_driver(PDEVICE_OBJECT device, PIRP irp);

// --- irp_send.cpp ---
struct Answer {
  IO_STATUS_BLOCK result;
  bool pended;  // the driver marked the IRP pending
};
// Calls the driver and waits until the IRP is completed; what the completion says. A driver that never completes it
// keeps its caller waiting for as long as the machine lives, or until STATUS_TIMEOUT.
Answer call_and_wait(PDEVICE_OBJECT device, PIRP irp, PLARGE_INTEGER timeout = nullptr);
// Calls the driver and returns what it does. After STATUS_PENDING the completion writes `io_status`, sets `event` or
// else the file's own event, and drops the reference to `event` and to the file, which it takes over.
NTSTATUS call_without_waiting(PDEVICE_OBJECT device, PIRP irp, IO_STATUS_BLOCK *io_status, PKEVENT event);

// --- irp_thread.cpp: ETHREAD.IrpList ---
// The IRP is the calling thread's until it is completed.
void queue_to_thread(PIRP irp);
// It is completed: its thread, if that is still there, stays until take_from_thread. False when it has gone.
bool keep_thread(PIRP irp);
// Takes it off. The last thing that concerns the thread.
void take_from_thread(PIRP irp);
// Takes it off the calling thread's list if it is there: it may have been freed.
void forget_irp(PIRP irp);
// Frees a completed IRP, as soon as nobody looks at it any more.
void release_irp(PIRP irp);
// For ps: the hooks of a thread's end.
void boot_irps();

}  // namespace ntemu::io

extern "C" NTSTATUS IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp);
