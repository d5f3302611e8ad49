/*
 * The same two threads behind a KMUTEX, which each holds for its whole work.
 *
 * Watch: the creator acquires first, the mover waits (reason Executive, on a Mutant that the creator owns), then all 1000
 * files are in C:\Temp2 and none in C:\Temp, on every run.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    KMUTEX Lock;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
static DRIVER_UNLOAD SampleUnload;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Count = CreateFiles();
    KeReleaseMutex(&Sample->Lock, FALSE);
    DbgPrint("kmutex: created %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Count = MoveFiles();
    KeReleaseMutex(&Sample->Lock, FALSE);
    DbgPrint("kmutex: moved %u files\n", Count);
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
    KeInitializeMutex(&Sample->Lock, 0);
    Status = StartWorkers(&Sample->Workers, CreatorThread, MoverThread, Sample);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DriverObject->DeviceObject);
        return Status;
    }
    DriverObject->DriverUnload = SampleUnload;
    return STATUS_SUCCESS;
}
