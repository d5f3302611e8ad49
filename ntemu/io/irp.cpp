#include "ntemu/io/irp.h"

#include <cstring>
#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ob/object.h"

using namespace ntemu;

namespace {

constexpr ULONG kIrpTag = 0x20707249;  // shows as Irp
constexpr ULONG kMdlTag = 0x206C644D;  // Mdl

// What the sender of an IRP waits for. Not on its stack: it may leave with its machine, or on a driver's word that was
// not true, while the IRP is still on its way.
struct Answer {
  KEVENT done;
  IO_STATUS_BLOCK result;
};

void free_irp(PIRP irp) {
  irp->Type = 0;
  ExFreePoolWithTag(irp, kIrpTag);
}

void free_buffers(PIRP irp) {
  if (irp->Flags & IRP_DEALLOCATE_BUFFER) ExFreePoolWithTag(irp->AssociatedIrp.SystemBuffer, io::kBufferTag);
  if (irp->MdlAddress) ExFreePoolWithTag(irp->MdlAddress, kMdlTag);
}

// Every driver is done with the IRP.
void finish(PIRP irp) {
  if ((irp->Flags & IRP_INPUT_OPERATION) && irp->UserBuffer && !NT_ERROR(irp->IoStatus.Status))
    std::memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, irp->IoStatus.Information);
  free_buffers(irp);
  const IO_STATUS_BLOCK result = irp->IoStatus;
  const PIO_STATUS_BLOCK io_status = irp->UserIosb;
  const PKEVENT event = irp->UserEvent;
  const PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
  const bool waits = irp->Flags & IRP_SYNCHRONOUS_API;
  const bool pending = irp->PendingReturned;
  free_irp(irp);
  if (waits) {
    *io_status = result;
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return;
  }
  // An error that the driver's routine returned is the caller's only answer.
  if (pending || !NT_ERROR(result.Status)) {
    *io_status = result;
    KeSetEvent(&file->Event, IO_NO_INCREMENT, FALSE);
    if (event) KeSetEvent(event, IO_NO_INCREMENT, FALSE);
  }
  if (event) ob::dereference(event);
  ob::dereference(file);
}

// Called from within walks and requests that hold references and strings.
NTSTATUS wait_for_answer(Answer &answer) {
  ETHREAD &thread = ke::current();
  const bool outer = std::exchange(thread.unwinds, true);
  const NTSTATUS status = KeWaitForSingleObject(&answer.done, Executive, KernelMode, FALSE, nullptr);
  thread.unwinds = outer;
  return status;
}

bool wants_completion(const IO_STACK_LOCATION &location, const IRP &irp) {
  if (NT_SUCCESS(irp.IoStatus.Status) && (location.Control & SL_INVOKE_ON_SUCCESS)) return true;
  if (!NT_SUCCESS(irp.IoStatus.Status) && (location.Control & SL_INVOKE_ON_ERROR)) return true;
  return __atomic_load_n(&irp.Cancel, __ATOMIC_RELAXED) && (location.Control & SL_INVOKE_ON_CANCEL);
}

}  // namespace

namespace ntemu::io {

PIRP make_irp(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major_function, ULONG flags) {
  const auto locations = static_cast<UCHAR>(device->StackSize);
  const USHORT size = IoSizeOfIrp(device->StackSize);
  auto *irp = static_cast<PIRP>(ExAllocatePool2(POOL_FLAG_NON_PAGED, size, kIrpTag));
  if (!irp) return nullptr;
  irp->Type = IO_TYPE_IRP;
  irp->Size = size;
  irp->Flags = flags;
  irp->StackCount = device->StackSize;
  irp->CurrentLocation = static_cast<CHAR>(locations + 1);
  irp->RequestorMode = KernelMode;
  InitializeListHead(&irp->ThreadListEntry);
  irp->Tail.Overlay.Thread = &ke::current();
  irp->Tail.Overlay.OriginalFileObject = file;
  irp->Tail.Overlay.CurrentStackLocation = reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + locations;
  PIO_STACK_LOCATION location = first_location(irp);
  location->MajorFunction = major_function;
  location->FileObject = file;
  return irp;
}

IO_STATUS_BLOCK call_and_wait(PDEVICE_OBJECT device, PIRP irp) {
  auto *answer = static_cast<Answer *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Answer), kIrpTag));
  if (!answer) {
    drop_irp(irp);
    IO_STATUS_BLOCK result{};
    result.Status = STATUS_INSUFFICIENT_RESOURCES;
    return result;
  }
  KeInitializeEvent(&answer->done, NotificationEvent, FALSE);
  irp->Flags |= IRP_SYNCHRONOUS_API;
  irp->UserIosb = &answer->result;
  irp->UserEvent = &answer->done;
  const UCHAR major_function = first_location(irp)->MajorFunction;
  const PFILE_OBJECT file = first_location(irp)->FileObject;
  const NTSTATUS status = IofCallDriver(device, irp);
  if (status == STATUS_PENDING) {
    if (wait_for_answer(*answer) == STATUS_SYSTEM_SHUTDOWN) {
      // The driver still has the IRP, and may look at what it points to until the last thread has left.
      if (file) ob::reference(file);
      IO_STATUS_BLOCK result{};
      result.Status = STATUS_SYSTEM_SHUTDOWN;
      return result;
    }
  } else if (KeReadStateEvent(&answer->done) == 0) {
    // Whoever completes it later writes to `answer`, which therefore stays.
    base::log(
        base::Level::kWarning, "io",
        "a driver returned 0x{:08X} for IRP_MJ 0x{:02x} without completing it: it must complete the IRP or return "
        "STATUS_PENDING",
        static_cast<uint32_t>(status), major_function);
    IO_STATUS_BLOCK result{};
    result.Status = status;
    return result;
  }
  const IO_STATUS_BLOCK result = answer->result;
  ExFreePoolWithTag(answer, kIrpTag);
  return result;
}

NTSTATUS call_without_waiting(PDEVICE_OBJECT device, PIRP irp, IO_STATUS_BLOCK *io_status, PKEVENT event) {
  irp->UserIosb = io_status;
  irp->UserEvent = event;
  return IofCallDriver(device, irp);
}

void drop_irp(PIRP irp) {
  free_buffers(irp);
  free_irp(irp);
}

bool attach_mdl(PIRP irp, void *buffer, ULONG length) {
  const SIZE_T pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(buffer, length);
  auto *mdl =
      static_cast<PMDL>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(MDL) + pages * sizeof(PFN_NUMBER), kMdlTag));
  if (!mdl) return false;
  MmInitializeMdl(mdl, buffer, length);
  mdl->MdlFlags = MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA;
  mdl->MappedSystemVa = buffer;
  irp->MdlAddress = mdl;
  return true;
}

}  // namespace ntemu::io

// What every MajorFunction is until the driver sets its own.
NTSTATUS IopInvalidDeviceRequest(PDEVICE_OBJECT, PIRP Irp) {
  Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
  Irp->IoStatus.Information = 0;
  IofCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  NT_ENTER(IofCallDriver, DeviceObject, Irp);
  if (--Irp->CurrentLocation <= 0) ke::bugcheck(0x35, reinterpret_cast<ULONG_PTR>(Irp));
  PIO_STACK_LOCATION location = --Irp->Tail.Overlay.CurrentStackLocation;
  location->DeviceObject = DeviceObject;
  return DeviceObject->DriverObject->MajorFunction[location->MajorFunction](DeviceObject, Irp);
}

VOID IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost) {
  NT_ENTER(IofCompleteRequest, Irp, PriorityBoost);
  if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount) {
    ke::bugcheck(0x44, reinterpret_cast<ULONG_PTR>(Irp));
  }
  while (Irp->CurrentLocation <= Irp->StackCount) {
    const PIO_STACK_LOCATION location = Irp->Tail.Overlay.CurrentStackLocation;
    Irp->PendingReturned = (location->Control & SL_PENDING_RETURNED) != 0;
    IoSkipCurrentIrpStackLocation(Irp);
    const bool top = Irp->CurrentLocation > Irp->StackCount;
    if (wants_completion(*location, *Irp)) {
      const PDEVICE_OBJECT above = top ? nullptr : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
      const PIO_COMPLETION_ROUTINE routine = location->CompletionRoutine;
      if (routine(above, Irp, location->Context) == STATUS_MORE_PROCESSING_REQUIRED) return;
    } else if (Irp->PendingReturned && !top) {
      IoMarkIrpPending(Irp);
    }
  }
  finish(Irp);
}
