/* What the kit's own tests load: a driver that leaks, hangs and calls as its registry values say. */
#include <ntddk.h>

#define SAMPLE_TAG 'pmaS'

static KEVENT Never;
static KSTART_ROUTINE Worker, Setter;
DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

static ULONG ReadMode(PUNICODE_STRING RegistryPath)
{
    UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Mode");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    ULONG Length;
    ULONG Mode = 0;

    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&Key, KEY_READ, &Attributes))) {
        return 0;
    }
    if (NT_SUCCESS(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Value, sizeof(Buffer), &Length))) {
        Mode = *(PULONG)Value->Data;
    }
    ZwClose(Key);
    return Mode;
}

static VOID Worker(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
}

static VOID Setter(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Never, IO_NO_INCREMENT, FALSE);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Mode = ReadMode(RegistryPath);
    HANDLE Thread;
    PDEVICE_OBJECT Device;

    DriverObject->DriverUnload = Unload;
    DbgPrint("sample: mode %u\n", Mode);
    switch (Mode) {
    case 1: /* leaks pool */
        ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, SAMPLE_TAG);
        break;
    case 2: /* leaves a thread that waits for ever */
        KeInitializeEvent(&Never, NotificationEvent, FALSE);
        PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Worker, NULL);
        ZwClose(Thread);
        break;
    case 3: /* leaves a device */
        IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
        break;
    case 4: /* calls what ntemu does not have */
        MmQuerySystemSize();
        break;
    case 6: /* a thread of its own sets an event */
        KeInitializeEvent(&Never, NotificationEvent, FALSE);
        PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Setter, NULL);
        ZwWaitForSingleObject(Thread, FALSE, NULL);
        ZwClose(Thread);
        break;
    case 5: /* waits in DriverEntry */
        KeInitializeEvent(&Never, NotificationEvent, FALSE);
        KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
        break;
    default:
        break;
    }
    return STATUS_SUCCESS;
}
