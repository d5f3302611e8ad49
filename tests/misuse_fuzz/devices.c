/* Devices of its own, IRPs, and requests to itself. */
#include "chaos.h"

enum { COMPLETES, TWICE, PENDS, DISAGREES, RAISES, COMPLETES_PENDING, BEHAVIOURS };

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    KIRQL before;
    UNREFERENCED_PARAMETER(DeviceObject);
    switch ((code >> 2 & 0xFFF) - 0x800) {
    case TWICE: Complete(Irp, STATUS_SUCCESS); break;
    case PENDS: return STATUS_PENDING;
    case DISAGREES:
        Complete(Irp, STATUS_SUCCESS);
        return STATUS_UNSUCCESSFUL;
    case RAISES: KeRaiseIrql(DISPATCH_LEVEL, &before); break;
    case COMPLETES_PENDING: return Complete(Irp, STATUS_PENDING);
    }
    return Complete(Irp, STATUS_SUCCESS);
}

VOID RegisterDispatch(PDRIVER_OBJECT DriverObject)
{
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
}

VOID UseDevice(PLAYER *Player)
{
    UNICODE_STRING name, link;
    WCHAR text[40], link_text[40];
    PDEVICE_OBJECT device;
    swprintf(text, L"\\Device\\Chaos%u", Below(Player, 3));
    swprintf(link_text, L"\\DosDevices\\Chaos%u_%u", Player->Index, Below(Player, 3));
    RtlInitUnicodeString(&name, text);
    RtlInitUnicodeString(&link, link_text);
    if (!NT_SUCCESS(IoCreateDevice(Driver, Below(Player, 200), Below(Player, 2) ? &name : NULL, FILE_DEVICE_UNKNOWN, 0,
                                   (BOOLEAN)Below(Player, 2), &device)))
        return;
    if (!Wrong(Player)) device->Flags &= ~DO_DEVICE_INITIALIZING;
    if (NT_SUCCESS(IoCreateSymbolicLink(&link, &name)) && !Wrong(Player)) IoDeleteSymbolicLink(&link);
    Step(Player);
    if (!Wrong(Player)) IoDeleteDevice(device);
    if (Wrong(Player)) IoDeleteDevice(device);
}

static NTSTATUS Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject), UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID UseIrp(PLAYER *Player)
{
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    KEVENT done;
    PIO_STACK_LOCATION next;
    if (!irp) return;
    if (Below(Player, 2)) {
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
        next->Parameters.DeviceIoControl.IoControlCode =
            CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Wrong(Player) ? Below(Player, BEHAVIOURS) : COMPLETES),
                     METHOD_BUFFERED, FILE_ANY_ACCESS);
        IoSetCompletionRoutine(irp, Completed, &done, TRUE, TRUE, TRUE);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        IoCallDriver(Device, irp);
        if (Wrong(Player)) IoCallDriver(Device, irp);
        if (Wrong(Player)) IoCancelIrp(irp);
    }
    if (Wrong(Player)) IoCompleteRequest(irp, IO_NO_INCREMENT);
    if (!Wrong(Player)) IoFreeIrp(irp);
    if (Wrong(Player)) IoFreeIrp(irp);
}

VOID UseControl(PLAYER *Player)
{
    KEVENT done;
    IO_STATUS_BLOCK status;
    UCHAR bytes[32];
    PIRP irp;
    LARGE_INTEGER timeout;
    ULONG code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Wrong(Player) ? Below(Player, BEHAVIOURS) : COMPLETES),
                          Below(Player, 4), FILE_ANY_ACCESS);
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(code, Device, bytes, sizeof bytes, bytes, sizeof bytes, FALSE, &done, &status);
    if (!irp) return;
    if (IoCallDriver(Device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, RandomTimeout(Player, &timeout));
}
