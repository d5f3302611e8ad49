/*
 * The smallest driver worth loading: a message, a device with a name that programs find, and a clean unload.
 *
 * Watch: one line when it is loaded, naming its service key in the registry, and one when it is unloaded.
 */
#include <ntddk.h>

static DRIVER_UNLOAD HelloUnload;
DRIVER_INITIALIZE DriverEntry;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Hello");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Hello");

static VOID HelloUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&LinkName);
    IoDeleteDevice(DriverObject->DeviceObject);
    DbgPrint("hello: goodbye\n");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    DriverObject->DriverUnload = HelloUnload;
    DbgPrint("hello: loaded, my key is %wZ\n", RegistryPath);
    return STATUS_SUCCESS;
}
