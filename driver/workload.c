#include "workload.h"

#include <ntstrsafe.h>

#define SAMPLE_TAG 'lpmS'
#define PATH_CHARACTERS 64

static NTSTATUS OpenSampleFile(PCWSTR Path, ACCESS_MASK Access, ULONG Share, ULONG Disposition, PHANDLE File)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Io;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (Disposition == FILE_OPEN) {
        return ZwOpenFile(File, Access, &Attributes, &Io, Share, FILE_SYNCHRONOUS_IO_NONALERT);
    }
    return ZwCreateFile(File, Access, &Attributes, &Io, NULL, FILE_ATTRIBUTE_NORMAL, Share, Disposition,
                        FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static NTSTATUS WriteLines(HANDLE File)
{
    static const CHAR Line[] = "Sample record\r\n";
    IO_STATUS_BLOCK Io;
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG Count = 0; Count < LINES_PER_FILE && NT_SUCCESS(Status); Count++) {
        Status = ZwWriteFile(File, NULL, NULL, NULL, &Io, (PVOID)Line, sizeof(Line) - 1, NULL, NULL);
    }
    return Status;
}

/* The name follows the structure, so the buffer has to be larger than it: a local FILE_RENAME_INFORMATION has no room. */
static NTSTATUS RenameTo(HANDLE File, PCWSTR NewPath)
{
    IO_STATUS_BLOCK Io;
    UNICODE_STRING Name;
    PFILE_RENAME_INFORMATION Rename;
    ULONG Size;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, NewPath);
    Size = sizeof(FILE_RENAME_INFORMATION) + Name.Length;
    Rename = (PFILE_RENAME_INFORMATION)ExAllocatePool2(POOL_FLAG_PAGED, Size, SAMPLE_TAG);
    if (Rename == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Rename->ReplaceIfExists = TRUE;
    Rename->FileNameLength = Name.Length;
    RtlCopyMemory(Rename->FileName, Name.Buffer, Name.Length);
    Status = ZwSetInformationFile(File, &Io, Rename, Size, FileRenameInformation);
    ExFreePoolWithTag(Rename, SAMPLE_TAG);
    return Status;
}

ULONG CreateFiles(VOID)
{
    WCHAR Path[PATH_CHARACTERS];
    ULONG Completed = 0;

    for (ULONG Index = 0; Index < FILE_COUNT; Index++) {
        HANDLE File;
        NTSTATUS Status;

        RtlStringCchPrintfW(Path, RTL_NUMBER_OF(Path), L"\\DosDevices\\C:\\Temp\\file_%u.txt", Index);
        Status = OpenSampleFile(Path, GENERIC_WRITE | SYNCHRONIZE, 0, FILE_OVERWRITE_IF, &File);
        if (!NT_SUCCESS(Status)) {
            continue;
        }
        Status = WriteLines(File);
        ZwClose(File);
        if (NT_SUCCESS(Status)) {
            Completed++;
        }
    }
    return Completed;
}

ULONG MoveFiles(VOID)
{
    WCHAR OldPath[PATH_CHARACTERS];
    WCHAR NewPath[PATH_CHARACTERS];
    ULONG Moved = 0;

    for (ULONG Index = 0; Index < FILE_COUNT; Index++) {
        HANDLE File;
        NTSTATUS Status;

        RtlStringCchPrintfW(OldPath, RTL_NUMBER_OF(OldPath), L"\\DosDevices\\C:\\Temp\\file_%u.txt", Index);
        RtlStringCchPrintfW(NewPath, RTL_NUMBER_OF(NewPath), L"\\DosDevices\\C:\\Temp2\\NewFile_%u.txt", Index);
        Status = OpenSampleFile(OldPath, DELETE | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, &File);
        if (!NT_SUCCESS(Status)) {
            continue;
        }
        Status = RenameTo(File, NewPath);
        ZwClose(File);
        if (NT_SUCCESS(Status)) {
            Moved++;
        }
    }
    return Moved;
}

static NTSTATUS StartWorker(PHANDLE Thread, PKSTART_ROUTINE Routine, PVOID Context)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    return PsCreateSystemThread(Thread, SYNCHRONIZE, &Attributes, NULL, NULL, Routine, Context);
}

NTSTATUS StartWorkers(PWORKERS Workers, PKSTART_ROUTINE Creator, PKSTART_ROUTINE Mover, PVOID Context)
{
    NTSTATUS Status = StartWorker(&Workers->Creator, Creator, Context);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The creator already runs in this image: failing DriverEntry now would unload the code under it. */
    Status = StartWorker(&Workers->Mover, Mover, Context);
    if (!NT_SUCCESS(Status)) {
        Workers->Mover = NULL;
        DbgPrint("no thread to move the files: status %08x\n", Status);
    }
    return STATUS_SUCCESS;
}

VOID WaitForWorkers(PWORKERS Workers)
{
    HANDLE Threads[2];

    Threads[0] = Workers->Creator;
    Threads[1] = Workers->Mover;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Threads); Index++) {
        if (Threads[Index] != NULL) {
            ZwWaitForSingleObject(Threads[Index], FALSE, NULL);
            ZwClose(Threads[Index]);
        }
    }
}

NTSTATUS CreateSampleDevice(PDRIVER_OBJECT DriverObject, ULONG Size, PVOID *Extension)
{
    PDEVICE_OBJECT Device = NULL;
    NTSTATUS Status = IoCreateDevice(DriverObject, Size, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                     &Device);

    if (NT_SUCCESS(Status)) {
        *Extension = Device->DeviceExtension;
    }
    return Status;
}
