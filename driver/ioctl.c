/*
 * A device that keeps a message, and that answers one control of each transfer method; one of them waits in a cancel-safe
 * queue until another request, the end of its sender or the close of its file ends it.
 *
 * Watch: every length is checked before a buffer is touched, every allocation may fail, and whatever is refused leaves the
 * device as it was. What the driver has counted is in IOCTL_NTEMU_STATISTICS, and in its last line when it is unloaded.
 */
#include <ntddk.h>
#include "ioctl.h"

#define MESSAGE_TAG 'gsMI'

typedef struct _IOCTL_DEVICE {
    FAST_MUTEX MessageLock;
    PUCHAR Message; /* NULL while there is none */
    ULONG MessageLength;
    IO_CSQ Queue;
    KSPIN_LOCK QueueLock;
    LIST_ENTRY Waiting;
    LONG WaitingCount;
    LONG Opens;
    LONG Reads;
    LONG Writes;
    LONG Controls;
} IOCTL_DEVICE, *PIOCTL_DEVICE;

static DRIVER_DISPATCH IoctlCreate;
static DRIVER_DISPATCH IoctlCleanup;
static DRIVER_DISPATCH IoctlClose;
static DRIVER_DISPATCH IoctlRead;
static DRIVER_DISPATCH IoctlWrite;
static DRIVER_DISPATCH IoctlControl;
static DRIVER_UNLOAD IoctlUnload;
DRIVER_INITIALIZE DriverEntry;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(IOCTL_DEVICE_NAME);
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(IOCTL_LINK_NAME);

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PIOCTL_DEVICE DeviceOf(PDEVICE_OBJECT DeviceObject)
{
    return (PIOCTL_DEVICE)DeviceObject->DeviceExtension;
}

/* The queue's routines; IoCsqInsertIrp and its kin call all but the last with the lock held. */

static VOID NTAPI InsertWaiting(PIO_CSQ Queue, PIRP Irp)
{
    PIOCTL_DEVICE Device = CONTAINING_RECORD(Queue, IOCTL_DEVICE, Queue);

    InsertTailList(&Device->Waiting, &Irp->Tail.Overlay.ListEntry);
    Device->WaitingCount++;
}

static VOID NTAPI RemoveWaiting(PIO_CSQ Queue, PIRP Irp)
{
    PIOCTL_DEVICE Device = CONTAINING_RECORD(Queue, IOCTL_DEVICE, Queue);

    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    Device->WaitingCount--;
}

/* PeekContext: the file whose requests are asked for, or NULL for those of all files. */
static PIRP NTAPI PeekWaiting(PIO_CSQ Queue, PIRP Irp, PVOID PeekContext)
{
    PIOCTL_DEVICE Device = CONTAINING_RECORD(Queue, IOCTL_DEVICE, Queue);
    PLIST_ENTRY Entry = Irp ? Irp->Tail.Overlay.ListEntry.Flink : Device->Waiting.Flink;

    for (; Entry != &Device->Waiting; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(Next)->FileObject == (PFILE_OBJECT)PeekContext) {
            return Next;
        }
    }
    return NULL;
}

static VOID NTAPI AcquireQueueLock(PIO_CSQ Queue, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Queue, IOCTL_DEVICE, Queue)->QueueLock, Irql);
}

static VOID NTAPI ReleaseQueueLock(PIO_CSQ Queue, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Queue, IOCTL_DEVICE, Queue)->QueueLock, Irql);
}

static VOID NTAPI CompleteCanceled(PIO_CSQ Queue, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Queue);
    Complete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS IoctlCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    InterlockedIncrement(&DeviceOf(DeviceObject)->Opens);
    return Complete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

/* The last handle is closed: what waits on this file will not be asked for any more. */
static NTSTATUS IoctlCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT FileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP Waiting;

    while ((Waiting = IoCsqRemoveNextIrp(&DeviceOf(DeviceObject)->Queue, FileObject)) != NULL) {
        Complete(Waiting, STATUS_CANCELLED, 0);
    }
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS IoctlClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* The message from the offset on, as much of it as there is room for; so that a program comes to its end. */
static NTSTATUS IoctlRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOCTL_DEVICE Device = DeviceOf(DeviceObject);
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Location->Parameters.Read.Length;
    LONGLONG Offset = Location->Parameters.Read.ByteOffset.QuadPart;
    NTSTATUS Status = STATUS_END_OF_FILE;
    ULONG Copied = 0;

    InterlockedIncrement(&Device->Reads);
    ExAcquireFastMutex(&Device->MessageLock);
    if (Offset >= 0 && Offset < (LONGLONG)Device->MessageLength) {
        Status = STATUS_SUCCESS;
        Copied = Device->MessageLength - (ULONG)Offset;
        if (Copied > Length) {
            Copied = Length;
        }
    }
    if (Copied != 0) {
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Device->Message + Offset, Copied);
    }
    ExReleaseFastMutex(&Device->MessageLock);
    return Complete(Irp, Status, Copied);
}

static NTSTATUS SetMessage(PIOCTL_DEVICE Device, const VOID *Buffer, ULONG Length)
{
    PUCHAR Message, Before;

    if (Length == 0 || Length > IOCTL_MESSAGE_MAXIMUM) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    Message = (PUCHAR)ExAllocatePool2(POOL_FLAG_PAGED, Length, MESSAGE_TAG);
    if (Message == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Message, Buffer, Length);
    ExAcquireFastMutex(&Device->MessageLock);
    Before = Device->Message;
    Device->Message = Message;
    Device->MessageLength = Length;
    ExReleaseFastMutex(&Device->MessageLock);
    if (Before != NULL) {
        ExFreePoolWithTag(Before, MESSAGE_TAG);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS IoctlWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOCTL_DEVICE Device = DeviceOf(DeviceObject);
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS Status;

    InterlockedIncrement(&Device->Writes);
    Status = SetMessage(Device, Irp->AssociatedIrp.SystemBuffer, Length);
    return Complete(Irp, Status, NT_SUCCESS(Status) ? Length : 0);
}

/* The controls: each returns a status and stores in Information how much of the output is good. */

static NTSTATUS Uppercase(PIRP Irp, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    ULONG Length = Location->Parameters.DeviceIoControl.InputBufferLength;
    PUCHAR Text = (PUCHAR)Irp->AssociatedIrp.SystemBuffer; /* the input, and then the output */
    ULONG Index;

    if (Location->Parameters.DeviceIoControl.OutputBufferLength < Length) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (Index = 0; Index < Length; Index++) {
        if (Text[Index] >= 'a' && Text[Index] <= 'z') {
            Text[Index] = (UCHAR)(Text[Index] - 'a' + 'A');
        }
    }
    *Information = Length;
    return STATUS_SUCCESS;
}

static NTSTATUS Fill(PIRP Irp, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    ULONG Length = Location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Output;

    if (Location->Parameters.DeviceIoControl.InputBufferLength != sizeof(UCHAR)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Output = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
    if (Output == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlFillMemory(Output, Length, *(PUCHAR)Irp->AssociatedIrp.SystemBuffer);
    *Information = Length;
    return STATUS_SUCCESS;
}

static NTSTATUS SetMessageDirectly(PIOCTL_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    ULONG Length = Location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Buffer;
    NTSTATUS Status;

    if (Length == 0) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = SetMessage(Device, Buffer, Length);
    *Information = NT_SUCCESS(Status) ? Length : 0;
    return Status;
}

static NTSTATUS Reverse(PIRP Irp, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    PUCHAR Input = (PUCHAR)Location->Parameters.DeviceIoControl.Type3InputBuffer;
    PUCHAR Output = (PUCHAR)Irp->UserBuffer;
    ULONG Length = Location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Index;

    /* Addresses of user mode would have to be probed, in its process and within an exception handler. */
    if (Irp->RequestorMode != KernelMode) {
        return STATUS_ACCESS_DENIED;
    }
    if (Length == 0 || Location->Parameters.DeviceIoControl.OutputBufferLength != Length) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    for (Index = 0; Index < Length; Index++) {
        Output[Index] = Input[Length - 1 - Index];
    }
    *Information = Length;
    return STATUS_SUCCESS;
}

static NTSTATUS Statistics(PIOCTL_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    PIOCTL_STATISTICS Answer = (PIOCTL_STATISTICS)Irp->AssociatedIrp.SystemBuffer;
    KIRQL Irql;

    if (Location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(IOCTL_STATISTICS)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlZeroMemory(Answer, sizeof(IOCTL_STATISTICS));
    Answer->Opens = InterlockedCompareExchange(&Device->Opens, 0, 0);
    Answer->Reads = InterlockedCompareExchange(&Device->Reads, 0, 0);
    Answer->Writes = InterlockedCompareExchange(&Device->Writes, 0, 0);
    Answer->Controls = InterlockedCompareExchange(&Device->Controls, 0, 0);
    KeAcquireSpinLock(&Device->QueueLock, &Irql);
    Answer->Waiting = Device->WaitingCount;
    KeReleaseSpinLock(&Device->QueueLock, Irql);
    ExAcquireFastMutex(&Device->MessageLock);
    Answer->MessageLength = Device->MessageLength;
    ExReleaseFastMutex(&Device->MessageLock);
    *Information = sizeof(IOCTL_STATISTICS);
    return STATUS_SUCCESS;
}

/* STATUS_PENDING: the request is the queue's, and may have been completed already. */
static NTSTATUS Wait(PIOCTL_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Location)
{
    if (Location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    IoCsqInsertIrp(&Device->Queue, Irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS Wake(PIOCTL_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Location)
{
    PIRP Waiting;

    if (Location->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG)) {
        return STATUS_INVALID_PARAMETER;
    }
    Waiting = IoCsqRemoveNextIrp(&Device->Queue, NULL);
    if (Waiting == NULL) {
        return STATUS_NOT_FOUND;
    }
    *(PULONG)Waiting->AssociatedIrp.SystemBuffer = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    Complete(Waiting, STATUS_SUCCESS, sizeof(ULONG));
    return STATUS_SUCCESS;
}

static NTSTATUS IoctlControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOCTL_DEVICE Device = DeviceOf(DeviceObject);
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR Information = 0;
    NTSTATUS Status;

    InterlockedIncrement(&Device->Controls);
    switch (Location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_NTEMU_UPPERCASE:
        Status = Uppercase(Irp, Location, &Information);
        break;
    case IOCTL_NTEMU_FILL:
        Status = Fill(Irp, Location, &Information);
        break;
    case IOCTL_NTEMU_SET_MESSAGE:
        Status = SetMessageDirectly(Device, Irp, Location, &Information);
        break;
    case IOCTL_NTEMU_REVERSE:
        Status = Reverse(Irp, Location, &Information);
        break;
    case IOCTL_NTEMU_STATISTICS:
        Status = Statistics(Device, Irp, Location, &Information);
        break;
    case IOCTL_NTEMU_WAIT:
        Status = Wait(Device, Irp, Location);
        break;
    case IOCTL_NTEMU_WAKE:
        Status = Wake(Device, Irp, Location);
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return Status == STATUS_PENDING ? Status : Complete(Irp, Status, Information);
}

/* No file is open any more, so that nothing waits. */
static VOID IoctlUnload(PDRIVER_OBJECT DriverObject)
{
    PIOCTL_DEVICE Device = DeviceOf(DriverObject->DeviceObject);

    DbgPrint("ioctl: %d opens, %d reads, %d writes, %d controls\n", Device->Opens, Device->Reads, Device->Writes,
             Device->Controls);
    IoDeleteSymbolicLink(&LinkName);
    if (Device->Message != NULL) {
        ExFreePoolWithTag(Device->Message, MESSAGE_TAG);
    }
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    PIOCTL_DEVICE Device;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(IOCTL_DEVICE), &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device = DeviceOf(DeviceObject);
    ExInitializeFastMutex(&Device->MessageLock);
    KeInitializeSpinLock(&Device->QueueLock);
    InitializeListHead(&Device->Waiting);
    Status = IoCsqInitialize(&Device->Queue, InsertWaiting, RemoveWaiting, PeekWaiting, AcquireQueueLock,
                             ReleaseQueueLock, CompleteCanceled);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = IoctlCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = IoctlCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = IoctlClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = IoctlRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = IoctlWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = IoctlControl;
    DriverObject->DriverUnload = IoctlUnload;
    DeviceObject->Flags |= DO_BUFFERED_IO;
    return STATUS_SUCCESS;
}
