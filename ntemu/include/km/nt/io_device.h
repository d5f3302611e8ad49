/* Devices: their stacks, queues and timers; drivers' extensions and notifications; share accounting. */
#ifndef NTEMU_KM_NT_IO_DEVICE_H
#define NTEMU_KM_NT_IO_DEVICE_H

#include "io_types.h"
#include "irp.h"
#include "ke_processor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Puts SourceDevice on top of the stack that TargetDevice is in, and gives it that stack's StackSize plus one,
    AlignmentRequirement and SectorSize; returns the device below it, or NULL when that is being deleted, unloaded or
    still initialized. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoAttachDeviceToDeviceStack. */
NTKERNELAPI PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice);

/** The same, with the device below stored before requests reach SourceDevice. Returns STATUS_NO_SUCH_DEVICE where
    IoAttachDeviceToDeviceStack returns NULL; then nothing is stored. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    IoAttachDeviceToDeviceStackSafe. */
NTKERNELAPI NTSTATUS NTAPI IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                                           PDEVICE_OBJECT *AttachedToDeviceObject);

/** Puts SourceDevice on top of the stack of a named device, which is opened for that; AttachedDevice gets the device
    below. Returns STATUS_NO_SUCH_DEVICE when it takes none, or the status of the open. IRQL: PASSIVE_LEVEL. Source:
    WDK: IoAttachDevice. */
NTKERNELAPI NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                                          PDEVICE_OBJECT *AttachedDevice);

/** Takes away the device that is attached to TargetDevice; a deletion or an unload that waited for that goes on. IRQL:
    <= DISPATCH_LEVEL. Source: WDK: IoDetachDevice. */
NTKERNELAPI VOID NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice);

/** Returns the device at the top of a device's stack, which is itself when nothing is attached. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: IoGetAttachedDevice. */
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject);

/** The same with a reference, which the caller gives back by ObDereferenceObject. IRQL: <= DISPATCH_LEVEL. Source:
    WDK: IoGetAttachedDeviceReference. */
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject);

/** Returns the device that a device is attached to, with a reference; NULL when there is none, or when DeviceObject is
    being deleted or unloaded. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoGetLowerDeviceObject. */
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject);

/** Returns the device that requests on a file go to: the top of its device's stack. IRQL: <= DISPATCH_LEVEL. Source:
    WDK: IoGetRelatedDeviceObject. */
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject);

/** Opens a named device: FileObject gets the file with a reference, DeviceObject the top of the device's stack without
    one. Returns the status of the open. IRQL: PASSIVE_LEVEL. Source: WDK: IoGetDeviceObjectPointer. */
NTKERNELAPI NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                                    PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject);
NTKERNELAPI NTSTATUS NTAPI WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                                                      PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                                                      ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                                                      PCUNICODE_STRING DefaultSDDLString, LPCGUID DeviceClassGuid,
                                                      PDEVICE_OBJECT *DeviceObject);
#define IoCreateDeviceSecure WdmlibIoCreateDeviceSecure

/** IoCreateSymbolicLink with a link that everybody may change. IRQL: PASSIVE_LEVEL. Source: WDK:
    IoCreateUnprotectedSymbolicLink. */
NTKERNELAPI NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                                           PUNICODE_STRING DeviceName);

/** Allocates zeroed memory that belongs to a driver object, under the caller's ClientIdentificationAddress, and that
    goes with it. Returns STATUS_OBJECT_NAME_COLLISION when the address has some, STATUS_INSUFFICIENT_RESOURCES. IRQL:
    <= APC_LEVEL. Source: WDK: IoAllocateDriverObjectExtension. */
NTKERNELAPI NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                                           PVOID ClientIdentificationAddress,
                                                           ULONG DriverObjectExtensionSize,
                                                           PVOID *DriverObjectExtension);

/** Returns that memory, or NULL when there is none. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoGetDriverObjectExtension.
 */
NTKERNELAPI PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress);

/** Lets a system worker thread call a driver's routine once, after its DriverEntry has succeeded; the routine's Count
    says the how manieth call it is, from 1, and it may ask for a further one. IRQL: PASSIVE_LEVEL. Source: WDK:
    IoRegisterDriverReinitialization. */
NTKERNELAPI VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                                        PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                                        PVOID Context);

/** Asks for an IRP_MJ_SHUTDOWN to the device when the machine shuts down; who asks last is told first. Returns
    STATUS_INSUFFICIENT_RESOURCES. IRQL: PASSIVE_LEVEL. Source: WDK: IoRegisterShutdownNotification. */
NTKERNELAPI NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject);

/** Takes that back. IRQL: PASSIVE_LEVEL. Source: WDK: IoUnregisterShutdownNotification. */
NTKERNELAPI VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI VOID NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI VOID NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject);

/** Gives a device a timer, stopped, whose routine runs at DISPATCH_LEVEL once a second while it is started; a device
    that has one gets the new routine. Returns STATUS_INSUFFICIENT_RESOURCES. IRQL: PASSIVE_LEVEL. Source: WDK:
    IoInitializeTimer. */
NTKERNELAPI NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine,
                                             PVOID Context);

/** Starts, or stops, a device's timer; to do it twice is the same as once. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    IoStartTimer, IoStopTimer. */
NTKERNELAPI VOID NTAPI IoStartTimer(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI VOID NTAPI IoStopTimer(PDEVICE_OBJECT DeviceObject);

/** Calls the driver's StartIo routine with an IRP, at DISPATCH_LEVEL, or queues the IRP while the device is busy. Key:
    where in the queue, NULL: at its end. CancelFunction: set as the IRP's cancel routine; an IRP that has been
   cancelled and is queued has it called at once. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoStartPacket. */
NTKERNELAPI VOID NTAPI IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction);

/** The device is done with its CurrentIrp: StartIo is called with the next one that is queued, if any. Cancelable:
    the IRPs were queued with a cancel routine, so that the cancel spin lock is held while one is taken. IRQL:
    DISPATCH_LEVEL. Source: WDK: IoStartNextPacket. */
NTKERNELAPI VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable);

/** The same, with the first one whose key is not below Key, or else the first one. IRQL: DISPATCH_LEVEL. Source: WDK:
    IoStartNextPacketByKey. */
NTKERNELAPI VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key);

FORCEINLINE VOID IoInitializeDpcRequest(PDEVICE_OBJECT DeviceObject, PIO_DPC_ROUTINE DpcRoutine) {
  KeInitializeDpc(&DeviceObject->Dpc, (PKDEFERRED_ROUTINE)(ULONG_PTR)DpcRoutine, DeviceObject);
}
FORCEINLINE VOID IoRequestDpc(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  KeInsertQueueDpc(&DeviceObject->Dpc, Irp, Context);
}

/** Returns STATUS_SHARING_VIOLATION when an open with DesiredAccess and DesiredShareAccess conflicts with those that
    ShareAccess counts; otherwise the open's rights are stored in FileObject, and it is counted if Update says so. IRQL:
    <= APC_LEVEL, the caller keeps others from ShareAccess. Source: WDK: IoCheckShareAccess. */
NTKERNELAPI NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                              PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, BOOLEAN Update);

/** Counts the first open of a file; the open's rights are stored in FileObject. IRQL: <= APC_LEVEL. Source: WDK:
    IoSetShareAccess. */
NTKERNELAPI VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                                        PSHARE_ACCESS ShareAccess);

/** Counts an open that IoCheckShareAccess allowed without counting it, or takes one away again. IRQL: <= APC_LEVEL.
    Source: WDK: IoUpdateShareAccess, IoRemoveShareAccess. */
NTKERNELAPI VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess);
NTKERNELAPI VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess);

#ifdef __cplusplus
}
#endif

#endif
