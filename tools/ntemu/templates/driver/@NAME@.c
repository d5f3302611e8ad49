/* The driver: a device \Device\@NAME@ that answers control codes, and a thread that does what they ask for. */
#include "@NAME@.h"

typedef struct _DEVICE_EXTENSION {
    COUNTER Counter;
    PETHREAD Thread;
} DEVICE_EXTENSION, *PDEVICE_EXTENSION;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static KSTART_ROUTINE WorkerThread;
static DRIVER_DISPATCH CreateClose;
static DRIVER_DISPATCH DeviceControl;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\@NAME@");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\@NAME@");

static VOID WorkerThread(PVOID Context)
{
    PCOUNTER Counter = Context;

    do {
        KeWaitForSingleObject(&Counter->Changed, Executive, KernelMode, FALSE, NULL);
    } while (CounterWork(Counter));
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS StartThread(PDEVICE_EXTENSION Extension)
{
    HANDLE Handle;
    NTSTATUS Status;

    CounterInitialize(&Extension->Counter);
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, WorkerThread, &Extension->Counter);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* A kernel handle to a thread that exists always gives its object. */
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, (PVOID *)&Extension->Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS CreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS DeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR Information;
    NTSTATUS Status;

    Status = CounterControl(&Extension->Counter, Stack->Parameters.DeviceIoControl.IoControlCode,
                            Irp->AssociatedIrp.SystemBuffer, Stack->Parameters.DeviceIoControl.InputBufferLength,
                            Stack->Parameters.DeviceIoControl.OutputBufferLength, &Information);
    return Complete(Irp, Status, Information);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_EXTENSION Extension = DriverObject->DeviceObject->DeviceExtension;

    CounterStop(&Extension->Counter);
    KeWaitForSingleObject(Extension->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Extension->Thread);
    IoDeleteSymbolicLink(&LinkName);
    DbgPrint("@NAME@: unloaded, the total was %I64u\n", Extension->Counter.Total);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(DEVICE_EXTENSION), &DeviceName, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status)) {
        goto DeleteDevice;
    }
    Status = StartThread(Device->DeviceExtension);
    if (!NT_SUCCESS(Status)) {
        goto DeleteLink;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    DriverObject->DriverUnload = Unload;
    DbgPrint("@NAME@: loaded\n");
    return STATUS_SUCCESS;

DeleteLink:
    IoDeleteSymbolicLink(&LinkName);
DeleteDevice:
    IoDeleteDevice(Device);
    return Status;
}
