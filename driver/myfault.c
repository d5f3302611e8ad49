/*
 * The driver of notmyfault: each request makes one of the mistakes that stop a machine or hang it, in the thread that asks.
 *
 * Watch: the mistakes are written so that no compiler takes them away; what each of them ends in is in docs/notmyfault.md.
 */
#include <ntddk.h>
#include "myfault.h"

#define MYFAULT_TAG 'tlFM'
#define BLOCK_BYTES 128
#define LARGE_PAGES 16
#define USER_ADDRESS 0x8000 /* below whatever a program may map */

static DRIVER_DISPATCH MyfaultOpenClose;
static DRIVER_DISPATCH MyfaultControl;
static DRIVER_UNLOAD MyfaultUnload;
static KDEFERRED_ROUTINE SpinForever;
DRIVER_INITIALIZE DriverEntry;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(MYFAULT_DEVICE_NAME);
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(MYFAULT_LINK_NAME);
static KDPC EndlessDpc;
static volatile ULONG Sink;
static volatile ULONG TooMany = 2 * BLOCK_BYTES;
static volatile ULONG TooDeep = MAXULONG;

/* Reads a byte of each page: as many as are there, and then the one that is not. */
static DECLSPEC_NOINLINE VOID ReadPagesAtDispatch(volatile UCHAR *Address)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    for (;; Address += PAGE_SIZE) {
        Sink += *Address;
    }
}

static DECLSPEC_NOINLINE VOID HighIrqlKernel(VOID)
{
    PUCHAR Pages = (PUCHAR)ExAllocatePool2(POOL_FLAG_PAGED, LARGE_PAGES * PAGE_SIZE, MYFAULT_TAG);

    if (Pages != NULL) {
        ExFreePoolWithTag(Pages, MYFAULT_TAG);
        ReadPagesAtDispatch(Pages);
    }
}

static DECLSPEC_NOINLINE VOID BufferOverflow(VOID)
{
    volatile UCHAR *Block = (volatile UCHAR *)ExAllocatePool2(POOL_FLAG_NON_PAGED, BLOCK_BYTES, MYFAULT_TAG);
    ULONG Index;

    if (Block != NULL) {
        for (Index = 0; Index < TooMany; Index++) {
            Block[Index] = 'x';
        }
        ExFreePoolWithTag((PVOID)Block, MYFAULT_TAG);
    }
}

static DECLSPEC_NOINLINE VOID CodeOverwrite(VOID)
{
    *(volatile UCHAR *)(ULONG_PTR)MyfaultUnload = 0xCC;
}

static DECLSPEC_NOINLINE VOID FillStack(volatile UCHAR *Bytes, ULONG Count)
{
    while (Count--) {
        Bytes[Count] = 'x';
    }
}

static DECLSPEC_NOINLINE VOID StackTrash(VOID)
{
    volatile UCHAR Bytes[16];

    FillStack(Bytes, TooMany / 4);
    Sink += Bytes[3];
}

static DECLSPEC_NOINLINE VOID HighIrqlUser(VOID)
{
    ReadPagesAtDispatch((volatile UCHAR *)(ULONG_PTR)USER_ADDRESS);
}

static DECLSPEC_NOINLINE ULONG StackOverflow(ULONG Depth)
{
    volatile UCHAR Bytes[512];

    Bytes[Depth % sizeof Bytes] = (UCHAR)Depth;
    if (Depth < TooDeep) {
        Depth = StackOverflow(Depth + 1);
    }
    return Depth + Bytes[Depth % sizeof Bytes];
}

static DECLSPEC_NOINLINE VOID DoubleFree(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BLOCK_BYTES, MYFAULT_TAG);

    if (Block != NULL) {
        ExFreePoolWithTag(Block, MYFAULT_TAG);
        ExFreePoolWithTag(Block, MYFAULT_TAG);
    }
}

static NTSTATUS Crash(ULONG Type)
{
    switch (Type) {
    case MYFAULT_CRASH_HIGH_IRQL_KERNEL:
        HighIrqlKernel();
        break;
    case MYFAULT_CRASH_BUFFER_OVERFLOW:
        BufferOverflow();
        break;
    case MYFAULT_CRASH_CODE_OVERWRITE:
        CodeOverwrite();
        break;
    case MYFAULT_CRASH_STACK_TRASH:
        StackTrash();
        break;
    case MYFAULT_CRASH_HIGH_IRQL_USER:
        HighIrqlUser();
        break;
    case MYFAULT_CRASH_STACK_OVERFLOW:
        Sink += StackOverflow(0);
        break;
    case MYFAULT_CRASH_BREAKPOINT:
        DbgBreakPoint();
        break;
    case MYFAULT_CRASH_DOUBLE_FREE:
        DoubleFree();
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static VOID SpinForever(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (;;) {
        Sink++;
    }
}

/* STATUS_PENDING: the request is nobody's now, and no cancel routine ends it. */
static NTSTATUS Hang(PIRP Irp, ULONG Type)
{
    switch (Type) {
    case MYFAULT_HANG_IRP:
        IoMarkIrpPending(Irp);
        return STATUS_PENDING;
    case MYFAULT_HANG_DPC:
        KeInsertQueueDpc(&EndlessDpc, NULL, NULL);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS MyfaultOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS MyfaultControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);
    ULONG Value;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG)) {
        return Complete(Irp, STATUS_INVALID_PARAMETER);
    }
    Value = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    switch (Location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MYFAULT_CRASH:
        Status = Crash(Value);
        break;
    case IOCTL_MYFAULT_HANG:
        Status = Hang(Irp, Value);
        break;
    case IOCTL_MYFAULT_BUGCHECK:
        KeBugCheckEx(Value, 0, 0, 0, 0);
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return Status == STATUS_PENDING ? Status : Complete(Irp, Status);
}

static VOID MyfaultUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeDpc(&EndlessDpc, SpinForever, NULL);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MyfaultOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MyfaultOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MyfaultControl;
    DriverObject->DriverUnload = MyfaultUnload;
    return STATUS_SUCCESS;
}
