/*
 * Two threads without a lock: one creates files, the other moves them, at the same time.
 *
 * Watch: the mover asks for files that do not exist yet, or are still open for writing, and passes them over. Most of the
 * 1000 files stay in C:\Temp, a different number on each run, while all of them exist once and are complete.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
static DRIVER_UNLOAD SampleUnload;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    ULONG Count;

    UNREFERENCED_PARAMETER(Context);
    Count = CreateFiles();
    DbgPrint("race: created %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    ULONG Count;

    UNREFERENCED_PARAMETER(Context);
    Count = MoveFiles();
    DbgPrint("race: moved %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    PSAMPLE Sample = (PSAMPLE)DriverObject->DeviceObject->DeviceExtension;

    WaitForWorkers(&Sample->Workers);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID Extension;
    PSAMPLE Sample;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = CreateSampleDevice(DriverObject, sizeof(SAMPLE), &Extension);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Sample = (PSAMPLE)Extension;
    Status = StartWorkers(&Sample->Workers, CreatorThread, MoverThread, Sample);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DriverObject->DeviceObject);
        return Status;
    }
    DriverObject->DriverUnload = SampleUnload;
    return STATUS_SUCCESS;
}
