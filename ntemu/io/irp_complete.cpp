// Sending IRPs down a stack of drivers, and their way back up: completion routines, and what the sender learns.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/io/irp.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ob/object.h"

using namespace ntemu;

namespace {

constexpr ULONG kCompletionTag = 0x6D436F49;  // shows as IoCm

bool wants_completion(const IO_STACK_LOCATION &location, const IRP &irp) {
  if (NT_SUCCESS(irp.IoStatus.Status) && (location.Control & SL_INVOKE_ON_SUCCESS)) return true;
  if (!NT_SUCCESS(irp.IoStatus.Status) && (location.Control & SL_INVOKE_ON_ERROR)) return true;
  return __atomic_load_n(&irp.Cancel, __ATOMIC_RELAXED) && (location.Control & SL_INVOKE_ON_CANCEL);
}

void finish_associated(PIRP irp, CCHAR boost) {
  const PIRP master = irp->AssociatedIrp.MasterIrp;
  irp->AssociatedIrp.MasterIrp = nullptr;
  io::drop_irp(irp);
  if (__atomic_sub_fetch(&master->AssociatedIrp.IrpCount, 1, __ATOMIC_ACQ_REL) == 0) IofCompleteRequest(master, boost);
}

// What the sender's buffer has room for.
ULONG room_of(const IRP &irp) {
  const auto *first = reinterpret_cast<const IO_STACK_LOCATION *>(&irp + 1) + irp.StackCount - 1;
  return first->MajorFunction == IRP_MJ_READ ? first->Parameters.Read.Length
                                             : first->Parameters.DeviceIoControl.OutputBufferLength;
}

void copy_back(const IRP &irp) {
  const ULONG needed = IRP_BUFFERED_IO | IRP_INPUT_OPERATION;
  if ((irp.Flags & needed) != needed || !irp.UserBuffer || !irp.AssociatedIrp.SystemBuffer) return;
  if (NT_ERROR(irp.IoStatus.Status) || irp.IoStatus.Status == STATUS_VERIFY_REQUIRED) return;
  ULONG_PTR count = irp.IoStatus.Information;
  if (const ULONG room = room_of(irp); count > room) {
    base::log(base::Level::kError, "io",
              "a driver completed a request for {} bytes with {} as its Information: Windows would copy as many", room,
              count);
    count = room;
  }
  const ex::PinnedBuffer pinned(irp.UserBuffer);  // Windows copies in an APC of the sender's thread
  std::memcpy(irp.UserBuffer, irp.AssociatedIrp.SystemBuffer, count);
}

// Who learns of an answer that nobody waits for in `call_and_wait`. An error that the driver's routine returned at once
// is the sender's only answer: neither the status block nor an event tells it.
void tell(const IRP &irp, PFILE_OBJECT file) {
  const bool pending = irp.PendingReturned;
  if (NT_ERROR(irp.IoStatus.Status) && !pending) return;
  if (irp.UserIosb) {
    const ex::PinnedBuffer pinned(irp.UserIosb);  // as copy_back
    *irp.UserIosb = irp.IoStatus;
  }
  if (irp.UserEvent) {
    KeSetEvent(irp.UserEvent, IO_NO_INCREMENT, FALSE);
  } else if (file) {
    // That of the last one, where an asynchronous file has several under way.
    __atomic_store_n(&file->FinalStatus, irp.IoStatus.Status, __ATOMIC_RELAXED);
    KeSetEvent(&file->Event, IO_NO_INCREMENT, FALSE);
  }
}

// Every driver is done with the IRP, and no completion routine kept it.
void finish(PIRP irp, CCHAR boost) {
  irp->CurrentLocation = static_cast<CHAR>(irp->StackCount + 2);  // what is completed again is found out
  if (irp->Flags & IRP_ASSOCIATED_IRP) return finish_associated(irp, boost);
  const PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
  if (io::has_allocation_flag(*irp, io::kAnswers)) {
    copy_back(*irp);
    io::release_buffers(irp);
    io::take_from_thread(irp);
    const PKEVENT event = irp->UserEvent;
    auto *answer = CONTAINING_RECORD(irp->UserIosb, io::Answer, result);
    answer->result = irp->IoStatus;
    answer->pended = irp->PendingReturned;
    io::release_irp(irp);
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return;
  }
  const bool owned = io::keep_thread(irp);
  if (!owned && !irp->Cancel) {
    base::log(base::Level::kError, "io",
              "IRP {} was completed and has no thread that would learn of it: a driver that allocates an IRP keeps it, "
              "by a completion routine that returns STATUS_MORE_PROCESSING_REQUIRED",
              fmt::ptr(irp));
    // Windows queues an APC to that thread.
    ke::bugcheck(0xA, offsetof(KTHREAD, ThreadLock), DISPATCH_LEVEL, 1,
                 reinterpret_cast<ULONG_PTR>(__builtin_return_address(0)));
  }
  if (owned) copy_back(*irp);
  io::release_buffers(irp);
  const PKEVENT event = irp->UserEvent;
  const bool holds_event = event && file && !(irp->Flags & IRP_SYNCHRONOUS_API);
  if (owned) {
    tell(*irp, file);
    io::take_from_thread(irp);
  }
  io::release_irp(irp);
  if (holds_event) ob::dereference(event);
  if (file) ob::dereference_at_any_irql(file);  // the last one sends further IRPs, and waits for them
}

NTSTATUS complete(PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  if (const io::RoutineCalls *calls = io::routine_calls.load(std::memory_order_acquire)) [[unlikely]]
    return calls->completion(routine, device, irp, context);
  return routine(device, irp, context);
}

// What IoSetCompletionRoutineEx keeps until the routine has run.
struct UnloadSafe {
  PDEVICE_OBJECT device;
  PIO_COMPLETION_ROUTINE routine;
  PVOID context;
  UCHAR wanted;  // SL_INVOKE_ON_...
};

NTSTATUS IopUnloadSafeCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  const UnloadSafe safe = *static_cast<UnloadSafe *>(Context);
  ExFreePoolWithTag(Context, kCompletionTag);
  IO_STACK_LOCATION asked{};
  asked.Control = safe.wanted;
  NTSTATUS status = STATUS_CONTINUE_COMPLETION;
  if (wants_completion(asked, *Irp)) {
    status = complete(safe.routine, DeviceObject, Irp, safe.context);
  } else if (Irp->PendingReturned && Irp->CurrentLocation <= Irp->StackCount) {
    IoMarkIrpPending(Irp);
  }
  ob::dereference_at_any_irql(safe.device);
  return status;
}

}  // namespace

namespace ntemu::io {

std::atomic<const RoutineCalls *> routine_calls{nullptr};

NTSTATUS call_driver(PDEVICE_OBJECT device, PIRP irp) {
  if (--irp->CurrentLocation <= 0) ke::bugcheck(0x35, reinterpret_cast<ULONG_PTR>(irp));
  PIO_STACK_LOCATION location = --irp->Tail.Overlay.CurrentStackLocation;
  location->DeviceObject = device;
  const PDRIVER_DISPATCH routine = device->DriverObject->MajorFunction[location->MajorFunction];
  if (const RoutineCalls *calls = routine_calls.load(std::memory_order_acquire)) [[unlikely]]
    return calls->dispatch(routine, device, irp);
  return routine(device, irp);
}

bool is_synchronous(const IRP &irp) {
  if (irp.Flags & IRP_PAGING_IO) return irp.Flags & IRP_SYNCHRONOUS_PAGING_IO;
  if (irp.Flags & IRP_SYNCHRONOUS_API) return true;
  const PFILE_OBJECT file = irp.Tail.Overlay.OriginalFileObject;
  return file && (file->Flags & FO_SYNCHRONOUS_IO);
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
  return io::call_driver(DeviceObject, Irp);
}

VOID IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost) {
  NT_ENTER(IofCompleteRequest, Irp, PriorityBoost);
  if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1) {
    ke::bugcheck(0x44, reinterpret_cast<ULONG_PTR>(Irp));
  }
  while (Irp->CurrentLocation <= Irp->StackCount) {
    PIO_STACK_LOCATION location = Irp->Tail.Overlay.CurrentStackLocation;
    Irp->PendingReturned = (location->Control & SL_PENDING_RETURNED) != 0;
    IoSkipCurrentIrpStackLocation(Irp);
    const bool top = Irp->CurrentLocation > Irp->StackCount;
    if (wants_completion(*location, *Irp)) {
      const PDEVICE_OBJECT above = top ? nullptr : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
      const PIO_COMPLETION_ROUTINE routine = location->CompletionRoutine;
      if (complete(routine, above, Irp, location->Context) == STATUS_MORE_PROCESSING_REQUIRED) return;
    } else if (Irp->PendingReturned && !top) {
      IoMarkIrpPending(Irp);
    }
  }
  finish(Irp, PriorityBoost);
}

NTSTATUS IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine,
                                  PVOID Context, BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                  BOOLEAN InvokeOnCancel) {
  NT_ENTER(IoSetCompletionRoutineEx, DeviceObject, Irp, CompletionRoutine, Context, InvokeOnSuccess, InvokeOnError,
           InvokeOnCancel);
  auto *safe = static_cast<UnloadSafe *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(UnloadSafe), kCompletionTag));
  if (!safe) return STATUS_INSUFFICIENT_RESOURCES;
  ob::reference(DeviceObject);
  IoSetCompletionRoutine(Irp, CompletionRoutine, Context, InvokeOnSuccess, InvokeOnError, InvokeOnCancel);
  PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
  *safe = {DeviceObject, CompletionRoutine, Context, next->Control};
  IoSetCompletionRoutine(Irp, IopUnloadSafeCompletion, safe, TRUE, TRUE, TRUE);
  return STATUS_SUCCESS;
}
