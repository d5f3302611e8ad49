/* Opens names that do not exist in C:\Temp and prints how long one such ZwOpenFile takes. */
#include <ntifs.h>
#include <ntstrsafe.h>

#define MISSES 20000

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WCHAR Path[64];
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Start;
    LARGE_INTEGER End;
    LARGE_INTEGER Frequency;
    LONGLONG Total = 0;
    HANDLE Handle;
    NTSTATUS Status;
    ULONG Index;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    /* The first one reads the directory. */
    for (Index = 0; Index <= MISSES; Index++) {
        Status = RtlStringCbPrintfW(Path, sizeof(Path), L"\\??\\C:\\Temp\\missing_%u.txt", Index);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        RtlInitUnicodeString(&Name, Path);
        Start = KeQueryPerformanceCounter(&Frequency);
        Status = ZwOpenFile(&Handle, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &IoStatus, FILE_SHARE_READ,
                            FILE_SYNCHRONOUS_IO_NONALERT);
        End = KeQueryPerformanceCounter(NULL);
        if (Status != STATUS_OBJECT_NAME_NOT_FOUND) {
            DbgPrint("%wZ: 0x%08X\n", &Name, Status);
            return STATUS_UNSUCCESSFUL;
        }
        if (Index != 0) {
            Total += End.QuadPart - Start.QuadPart;
        }
    }
    DbgPrint("one miss takes %I64d ns\n", Total * (1000000000 / Frequency.QuadPart) / MISSES);
    return STATUS_SUCCESS;
}
