/* A driver that does not free what it took: the tests look at what is told of it. */
#include <ntddk.h>

#define LEAKY_TAG 'kaeL'

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LeakyUnload;
PVOID LeakyAllocate(SIZE_T Bytes);

static PVOID Kept;

__attribute__((noinline)) PVOID LeakyAllocate(SIZE_T Bytes)
{
    return ExAllocatePoolWithTag(NonPagedPool, Bytes, LEAKY_TAG); /* the leak */
}

VOID LeakyUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    ExFreePoolWithTag(Kept, LEAKY_TAG);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = LeakyUnload;
    Kept = LeakyAllocate(24);
    if (LeakyAllocate(100) == NULL || LeakyAllocate(8192) == NULL || LeakyAllocate(8192) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    return STATUS_SUCCESS;
}
