/* A driver whose functions a test calls: one that uses the kernel, strings of 16-bit characters, and the C library. */
#include "sum.h"

#include <ntstrsafe.h>

VOID SumInitialize(PSUM Sum, PCWSTR Name)
{
    RtlZeroMemory(Sum, sizeof(*Sum));
    ExInitializeFastMutex(&Sum->Lock);
    RtlStringCbCopyW(Sum->Name, sizeof(Sum->Name), Name);
}

ULONG SumAdd(PSUM Sum, ULONG Value)
{
    ULONG Total;

    ExAcquireFastMutex(&Sum->Lock);
    Sum->Total += Value;
    Total = Sum->Total;
    ExReleaseFastMutex(&Sum->Lock);
    return Total;
}

NTSTATUS SumFormat(PSUM Sum, PWSTR Text, SIZE_T Size)
{
    WCHAR Copy[16];

    memcpy(Copy, Sum->Name, sizeof(Copy));
    return RtlStringCbPrintfW(Text, Size, L"%ws(%u) = %u", Copy, (ULONG)wcslen(Copy), Sum->Total);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}
