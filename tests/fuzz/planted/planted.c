/* A driver with a bug that a fuzzer is to find: for one kind of message it believes the length that the message says. */
#include <ntddk.h>

#include "planted.h"

#define PLANTED_TAG 'nalP'

typedef struct _PLANTED_DEVICE {
    PUCHAR Stored;
    ULONG Length;
} PLANTED_DEVICE, *PPLANTED_DEVICE;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Planted");
DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static DRIVER_DISPATCH OpenClose, Control;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS OpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Store(PPLANTED_DEVICE Device, PPLANTED_MESSAGE Message, ULONG Size)
{
    PUCHAR Copy;

    if (Size < FIELD_OFFSET(PLANTED_MESSAGE, Data)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Message->Kind != 'K' && Message->Length > Size - FIELD_OFFSET(PLANTED_MESSAGE, Data)) {
        return STATUS_INVALID_BUFFER_SIZE; /* the check that kind K escapes */
    }
    if (Message->Length == 0) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    Copy = (PUCHAR)ExAllocatePool2(POOL_FLAG_PAGED, Message->Length, PLANTED_TAG);
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Copy, Message->Data, Message->Length);
    if (Device->Stored != NULL) {
        ExFreePoolWithTag(Device->Stored, PLANTED_TAG);
    }
    Device->Stored = Copy;
    Device->Length = Message->Length;
    return STATUS_SUCCESS;
}

static NTSTATUS Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPLANTED_DEVICE Device = (PPLANTED_DEVICE)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    switch (Location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PLANTED_STORE:
        return Complete(Irp,
                        Store(Device, (PPLANTED_MESSAGE)Irp->AssociatedIrp.SystemBuffer,
                              Location->Parameters.DeviceIoControl.InputBufferLength),
                        0);
    case IOCTL_PLANTED_LENGTH:
        if (Location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
            return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = Device->Length;
        return Complete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    PPLANTED_DEVICE Device = (PPLANTED_DEVICE)DriverObject->DeviceObject->DeviceExtension;

    if (Device->Stored != NULL) {
        ExFreePoolWithTag(Device->Stored, PLANTED_TAG);
    }
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, sizeof(PLANTED_DEVICE), &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
