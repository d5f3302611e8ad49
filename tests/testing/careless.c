/* A driver with an error path of each bad kind: one leaks, one crashes, one hangs. */
#include <ntddk.h>

#define CARELESS_TAG 'eraC'

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static KSTART_ROUTINE Worker;
static KEVENT Ready;

static VOID Worker(PVOID Context)
{
    KeWaitForSingleObject(&Ready, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Context, CARELESS_TAG);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID First, Second;
    PULONG Third;
    HANDLE Thread;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Ready, NotificationEvent, FALSE);
    First = ExAllocatePool2(POOL_FLAG_PAGED, 16, CARELESS_TAG);
    if (First == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Second = ExAllocatePool2(POOL_FLAG_PAGED, 32, CARELESS_TAG);
    if (Second == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES; /* leaks First */
    }
    ExFreePoolWithTag(Second, CARELESS_TAG);
    ExFreePoolWithTag(First, CARELESS_TAG);
    Third = (PULONG)ExAllocatePool2(POOL_FLAG_PAGED, 48, CARELESS_TAG);
    *Third = 1; /* crashes */
    DriverObject->DriverUnload = Unload;
    if (!NT_SUCCESS(PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Worker, Third))) {
        ExFreePoolWithTag(Third, CARELESS_TAG);
        return STATUS_UNSUCCESSFUL;
    }
    First = ExAllocatePool2(POOL_FLAG_PAGED, 64, CARELESS_TAG);
    if (First != NULL) {
        ExFreePoolWithTag(First, CARELESS_TAG);
        KeSetEvent(&Ready, 0, FALSE); /* without memory the thread waits for ever */
    }
    ZwWaitForSingleObject(Thread, FALSE, NULL);
    ZwClose(Thread);
    return STATUS_SUCCESS;
}
