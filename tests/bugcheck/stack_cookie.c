/* Writes beyond an array on the stack. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

static ULONG __attribute__((noinline)) Fill(ULONG Length)
{
    volatile UCHAR buffer[16];
    ULONG i;
    for (i = 0; i < Length; ++i) buffer[i] = 0x41;
    return buffer[3];
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)DriverObject;
    return (NTSTATUS)Fill(RegistryPath->Length);
}
