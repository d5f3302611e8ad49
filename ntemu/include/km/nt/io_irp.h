/* IRP handling, work items, remove locks and the rest of the I/O manager's routines. */
#ifndef NTEMU_KM_NT_IO_IRP_H
#define NTEMU_KM_NT_IO_IRP_H

#include "ex_types.h"
#include "io_csq.h"
#include "io_device.h"
#include "irp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Allocates an IRP with StackSize locations for the drivers below, zeroed; NULL when memory is short. Whoever
    allocates it frees it, so a completion routine has to stop its completion: one that nobody stops has no thread that
    would learn of it, and is bugcheck IRQL_NOT_LESS_OR_EQUAL. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoAllocateIrp. */
NTKERNELAPI PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota);

/** Makes an IRP of PacketSize bytes (IoSizeOfIrp) of the caller's nonpaged memory. IRQL: <= DISPATCH_LEVEL. Source:
    WDK: IoInitializeIrp. */
NTKERNELAPI VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize);

/** Makes an IRP of IoAllocateIrp as it was when it was new, with Iostatus as its status. IRQL: <= DISPATCH_LEVEL.
    Source: WDK: IoReuseIrp. */
NTKERNELAPI VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Iostatus);

/** Frees an IRP of IoAllocateIrp, IoMakeAssociatedIrp or IoBuildAsynchronousFsdRequest, but not its buffers and MDLs.
    IRQL: <= DISPATCH_LEVEL. Bugcheck MULTIPLE_IRP_COMPLETE_REQUESTS for what is no IRP. Source: WDK: IoFreeIrp. */
NTKERNELAPI VOID NTAPI IoFreeIrp(PIRP Irp);

/** Allocates an IRP for a part of what the master Irp asks for; NULL when memory is short. The driver sets
    Irp->AssociatedIrp.IrpCount before it sends the first of them; the completion of the last completes the master, and
    frees the associated one each time. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoMakeAssociatedIrp. */
NTKERNELAPI PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize);

/** Sends an IRP to a driver: the next stack location becomes the current one, and the driver's dispatch routine for its
    MajorFunction runs; returns what that returns. IRQL: <= DISPATCH_LEVEL. Bugcheck NO_MORE_IRP_STACK_LOCATIONS when
    there is no further location. Source: WDK: IoCallDriver. */
NTKERNELAPI NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
#define IoCallDriver(DeviceObject, Irp) IofCallDriver(DeviceObject, Irp)
#define PoCallDriver(DeviceObject, Irp) IofCallDriver(DeviceObject, Irp)

NTKERNELAPI VOID NTAPI PoStartNextPowerIrp(PIRP Irp);

/** The driver is done with an IRP, whose IoStatus is the answer: the completion routines of the drivers above run, then
    the sender learns of it. IRQL: <= DISPATCH_LEVEL. Bugcheck MULTIPLE_IRP_COMPLETE_REQUESTS for an IRP that has been
    completed. Source: WDK: IoCompleteRequest. */
NTKERNELAPI VOID FASTCALL IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost);
#define IoCompleteRequest(Irp, PriorityBoost) IofCompleteRequest(Irp, PriorityBoost)

/** IoSetCompletionRoutine with a reference to DeviceObject until the routine has run, so that its driver is not
   unloaded under it. Returns STATUS_INSUFFICIENT_RESOURCES. IRQL: <= DISPATCH_LEVEL. Source: WDK:
   IoSetCompletionRoutineEx. */
NTKERNELAPI NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                    PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                                    BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                                    BOOLEAN InvokeOnCancel);

NTKERNELAPI VOID NTAPI IoAcquireVpbSpinLock(PKIRQL Irql);
NTKERNELAPI VOID NTAPI IoReleaseVpbSpinLock(KIRQL Irql);

/** Builds a read, write, flush, shutdown or PnP request whose completion frees it, sets Event and fills IoStatusBlock;
    an error that IoCallDriver itself returns does neither. Buffer, Length, StartingOffset: for a read or write, given
    to the driver as DeviceObject's flags say. The request is the calling thread's, which cancels it when it ends; NULL
    when memory is short. IRQL: PASSIVE_LEVEL. Source: WDK: IoBuildSynchronousFsdRequest. */
NTKERNELAPI PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                                    ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                                    PIO_STATUS_BLOCK IoStatusBlock);

/** Builds the same request for a completion routine that keeps it, and frees its buffers and itself by IoFreeIrp. IRQL:
    <= APC_LEVEL. Source: WDK: IoBuildAsynchronousFsdRequest. */
NTKERNELAPI PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                                     ULONG Length, PLARGE_INTEGER StartingOffset,
                                                     PIO_STATUS_BLOCK IoStatusBlock);

/** Builds a device control, or an internal one, as IoBuildSynchronousFsdRequest builds its requests; the code's method
    says how the driver gets at the buffers. IRQL: PASSIVE_LEVEL. Source: WDK: IoBuildDeviceIoControlRequest. */
NTKERNELAPI PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                                     PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                                                     ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl,
                                                     PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock);

/** Allocates an MDL for a buffer, whose pages it does not hold yet; NULL when memory is short or Length is 2 GB or
   more. Irp: gets it as its MdlAddress, or with SecondaryBuffer at the end of its chain; may be NULL. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: IoAllocateMdl. */
NTKERNELAPI PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                                     PIRP Irp);

/** Frees an MDL of IoAllocateMdl, whose pages are unlocked. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoFreeMdl. */
NTKERNELAPI VOID NTAPI IoFreeMdl(PMDL Mdl);

/** Makes TargetMdl describe Length bytes at VirtualAddress of SourceMdl's buffer, 0: all that follow; a mapping is
    shared. IRQL: <= DISPATCH_LEVEL. Bugcheck TARGET_MDL_TOO_SMALL. Source: WDK: IoBuildPartialMdl. */
NTKERNELAPI VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length);

/** Allocates a work item for a device, or a driver given in its place; NULL when there is no memory. Anything else is
   bugcheck 0xE4 (3, item, object, 0). IRQL: <= DISPATCH_LEVEL. Source: WDK: IoAllocateWorkItem; Bug Check 0xE4. */
NTKERNELAPI PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject);

/** Frees a work item, also from its own routine; a queued one is bugcheck 0xE4 (2, item, routine, 0).
   IRQL: <= DISPATCH_LEVEL. Source: WDK: IoFreeWorkItem; Bug Check 0xE4. */
NTKERNELAPI VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem);

/** Returns how many bytes IoInitializeWorkItem needs. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoSizeofWorkItem. */
NTKERNELAPI ULONG NTAPI IoSizeofWorkItem(VOID);

/** Makes a work item of IoSizeofWorkItem() bytes of the caller's nonpaged memory; IoObject as IoAllocateWorkItem's.
   IRQL: <= DISPATCH_LEVEL (unverified). Source: WDK: IoInitializeWorkItem; Bug Check 0xE4. */
NTKERNELAPI VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem);

/** Ends the use of a work item that IoInitializeWorkItem made, before its memory is freed; a queued one is bugcheck
   0xE4 (2, item, routine, 0). IRQL: <= DISPATCH_LEVEL (unverified). Source: WDK: IoUninitializeWorkItem. */
NTKERNELAPI VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem);

/** Lets a system worker thread call WorkerRoutine(object, Context) at PASSIVE_LEVEL; the object stays referenced until
   that returns. QueueType: as ExQueueWorkItem's. An item that is queued already is bugcheck 0xE4 (1, item, queue, 0).
   IRQL: <= DISPATCH_LEVEL. Source: WDK: IoQueueWorkItem; Bug Check 0xE4. */
NTKERNELAPI VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                                       WORK_QUEUE_TYPE QueueType, PVOID Context);

/** The same with a routine that gets the work item, too. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoQueueWorkItemEx. */
NTKERNELAPI VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                         WORK_QUEUE_TYPE QueueType, PVOID Context);

/** Initializes a remove lock that nobody has acquired. AllocateTag, MaxLockedMinutes, HighWatermark: for Driver
   Verifier and checked builds; kept in the lock of a driver compiled with DBG. RemlockSize: its size. IRQL:
   PASSIVE_LEVEL. Source: WDK: IoInitializeRemoveLock. */
NTKERNELAPI VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                                ULONG HighWatermark, ULONG RemlockSize);

/** Counts an operation on a device. STATUS_SUCCESS, or STATUS_DELETE_PENDING when IoReleaseRemoveLockAndWaitEx has been
    called: then nothing is counted. Tag, File, Line: for Driver Verifier and checked builds. IRQL: <= DISPATCH_LEVEL.
    Source: WDK: IoAcquireRemoveLock. */
NTKERNELAPI NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                                 ULONG RemlockSize);

/** Ends an operation that IoAcquireRemoveLockEx counted. Tag: the same as there; not checked in free builds of Windows.
    IRQL: <= DISPATCH_LEVEL. Source: WDK: IoReleaseRemoveLock. */
NTKERNELAPI VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize);

/** Ends the caller's own operation, lets no further one begin, and waits until all have ended. IRQL: PASSIVE_LEVEL.
    Source: WDK: IoReleaseRemoveLockAndWait. */
NTKERNELAPI VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize);

#define IoInitializeRemoveLock(Lock, Tag, Maxmin, HighWater) \
  IoInitializeRemoveLockEx(Lock, Tag, Maxmin, HighWater, sizeof(IO_REMOVE_LOCK))
#define IoAcquireRemoveLock(RemoveLock, Tag) \
  IoAcquireRemoveLockEx(RemoveLock, Tag, __FILE__, __LINE__, sizeof(IO_REMOVE_LOCK))
#define IoReleaseRemoveLock(RemoveLock, Tag) IoReleaseRemoveLockEx(RemoveLock, Tag, sizeof(IO_REMOVE_LOCK))
#define IoReleaseRemoveLockAndWait(RemoveLock, Tag) \
  IoReleaseRemoveLockAndWaitEx(RemoveLock, Tag, sizeof(IO_REMOVE_LOCK))

/** Creates a named event that is set, or opens the one that has the name; returns it, or NULL on failure. EventHandle:
    gets a kernel handle; the pointer is good until it is closed. IRQL: PASSIVE_LEVEL. Source: WDK:
    IoCreateSynchronizationEvent, IoCreateNotificationEvent. */
NTKERNELAPI PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);
NTKERNELAPI PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);

/** Returns, or sets, what the calling thread's topmost file-system request is: an IRP, or an FSRTL_... value. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: IoGetTopLevelIrp, IoSetTopLevelIrp. */
NTKERNELAPI PIRP NTAPI IoGetTopLevelIrp(VOID);
NTKERNELAPI VOID NTAPI IoSetTopLevelIrp(PIRP Irp);

/** Returns the process, or its id, of the thread that sent an IRP; NULL, or 0, when it has none. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: IoGetRequestorProcess, IoGetRequestorProcessId. */
NTKERNELAPI PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp);
NTKERNELAPI ULONG NTAPI IoGetRequestorProcessId(PIRP Irp);

/** Returns a thread's process. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoThreadToProcess. */
NTKERNELAPI PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread);

/** Returns whether an IRP, or with NULL the calling thread, is of a 32-bit process; never here. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: IoIs32bitProcess. */
NTKERNELAPI BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp);

/** Returns whether the sender of an IRP waits for it: it is on a synchronous file, or of a synchronous API, and no
    asynchronous paging I/O. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoIsOperationSynchronous. */
NTKERNELAPI BOOLEAN NTAPI IoIsOperationSynchronous(PIRP Irp);

/** Stores the ends of the calling thread's stack. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoGetStackLimits. */
NTKERNELAPI VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit);

NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetDeviceToVerify(PETHREAD Thread);
NTKERNELAPI VOID NTAPI IoSetDeviceToVerify(PETHREAD Thread, PDEVICE_OBJECT DeviceObject);
NTKERNELAPI VOID NTAPI IoSetHardErrorOrVerifyDevice(PIRP Irp, PDEVICE_OBJECT DeviceObject);
NTKERNELAPI NTSTATUS NTAPI IoVerifyVolume(PDEVICE_OBJECT DeviceObject, BOOLEAN AllowRawMount);
NTKERNELAPI VOID NTAPI IoRaiseHardError(PIRP Irp, PVPB Vpb, PDEVICE_OBJECT RealDeviceObject);
NTKERNELAPI BOOLEAN NTAPI IoRaiseInformationalHardError(NTSTATUS ErrorStatus, PUNICODE_STRING String, PKTHREAD Thread);
NTKERNELAPI NTSTATUS NTAPI IoReplaceFileObjectName(PFILE_OBJECT FileObject, PWSTR NewFileName, USHORT FileNameLength);
NTKERNELAPI NTSTATUS NTAPI IoVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName);
NTKERNELAPI NTSTATUS NTAPI IoQueryFileDosDeviceName(PFILE_OBJECT FileObject,
                                                    POBJECT_NAME_INFORMATION *ObjectNameInformation);
NTKERNELAPI NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                                     const GUID *InterfaceClassGuid, PUNICODE_STRING ReferenceString,
                                                     PUNICODE_STRING SymbolicLinkName);
NTKERNELAPI NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable);
NTKERNELAPI NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry);

#define IoIsErrorUserInduced(Status)                                                                  \
  ((BOOLEAN)(((Status) == STATUS_DEVICE_NOT_READY) || ((Status) == STATUS_IO_TIMEOUT) ||              \
             ((Status) == STATUS_MEDIA_WRITE_PROTECTED) || ((Status) == STATUS_NO_MEDIA_IN_DEVICE) || \
             ((Status) == STATUS_VERIFY_REQUIRED) || ((Status) == STATUS_UNRECOGNIZED_MEDIA) ||       \
             ((Status) == STATUS_WRONG_VOLUME)))

FORCEINLINE ULONG_PTR IoGetRemainingStackSize(VOID) {
  ULONG_PTR low, high;
  IoGetStackLimits(&low, &high);
  return (ULONG_PTR)__builtin_frame_address(0) - low;
}

FORCEINLINE PDRIVER_CANCEL IoSetCancelRoutine(PIRP Irp, PDRIVER_CANCEL CancelRoutine) {
  return __atomic_exchange_n(&Irp->CancelRoutine, CancelRoutine, __ATOMIC_SEQ_CST);
}

FORCEINLINE USHORT IoSizeOfIrp(CCHAR StackSize) {
  return (USHORT)(sizeof(IRP) + (SIZE_T)(UCHAR)StackSize * sizeof(IO_STACK_LOCATION));
}

FORCEINLINE VOID IoMarkIrpPending(PIRP Irp) { IoGetCurrentIrpStackLocation(Irp)->Control |= SL_PENDING_RETURNED; }

FORCEINLINE VOID IoSkipCurrentIrpStackLocation(PIRP Irp) {
  Irp->CurrentLocation++;
  Irp->Tail.Overlay.CurrentStackLocation++;
}

FORCEINLINE VOID IoSetNextIrpStackLocation(PIRP Irp) {
  Irp->CurrentLocation--;
  Irp->Tail.Overlay.CurrentStackLocation--;
}

/* Everything up to the completion routine, which belongs to the driver that sets it. */
FORCEINLINE VOID IoCopyCurrentIrpStackLocationToNext(PIRP Irp) {
  PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
  __builtin_memcpy(next, IoGetCurrentIrpStackLocation(Irp), __builtin_offsetof(IO_STACK_LOCATION, CompletionRoutine));
  next->Control = 0;
}

FORCEINLINE VOID IoSetCompletionRoutine(PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel) {
  PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
  next->CompletionRoutine = CompletionRoutine;
  next->Context = Context;
  next->Control = (UCHAR)((InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) | (InvokeOnError ? SL_INVOKE_ON_ERROR : 0) |
                          (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0));
}

typedef struct _IO_DRIVER_CREATE_CONTEXT {
  CSHORT Size;
  struct _ECP_LIST *ExtraCreateParameter;
  PVOID DeviceObjectHint;
  PVOID TxnParameters;
  PVOID SiloContext;
} IO_DRIVER_CREATE_CONTEXT, *PIO_DRIVER_CREATE_CONTEXT;
NTEMU_ASSERT_OFFSET(IO_DRIVER_CREATE_CONTEXT, ExtraCreateParameter, 8);

FORCEINLINE VOID IoInitializeDriverCreateContext(PIO_DRIVER_CREATE_CONTEXT DriverContext) {
  __builtin_memset(DriverContext, 0, sizeof(*DriverContext));
  DriverContext->Size = sizeof(*DriverContext);
}

typedef enum _IO_NOTIFICATION_EVENT_CATEGORY {
  EventCategoryReserved,
  EventCategoryHardwareProfileChange,
  EventCategoryDeviceInterfaceChange,
  EventCategoryTargetDeviceChange,
  EventCategoryKernelSoftRestart
} IO_NOTIFICATION_EVENT_CATEGORY;
#define PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES 0x00000001

typedef NTSTATUS NTAPI DRIVER_NOTIFICATION_CALLBACK_ROUTINE(PVOID NotificationStructure, PVOID Context);
typedef DRIVER_NOTIFICATION_CALLBACK_ROUTINE *PDRIVER_NOTIFICATION_CALLBACK_ROUTINE;
NTKERNELAPI NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                                          ULONG EventCategoryFlags, PVOID EventCategoryData,
                                                          PDRIVER_OBJECT DriverObject,
                                                          PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                                          PVOID Context, PVOID *NotificationEntry);
NTKERNELAPI NTSTATUS NTAPI IoVolumeDeviceToGuid(PVOID VolumeDeviceObject, GUID *Guid);

typedef enum _MMFLUSH_TYPE { MmFlushForDelete, MmFlushForWrite } MMFLUSH_TYPE;
NTKERNELAPI BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS SectionObjectPointer, MMFLUSH_TYPE FlushType);

#ifdef __cplusplus
}
#endif

#endif
