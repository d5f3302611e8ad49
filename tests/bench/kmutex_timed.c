/* The kmutex sample with a clock: from the creator's acquire to the mover's release, in nanoseconds. */
#include "../../driver/workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    KMUTEX Lock;
    LARGE_INTEGER Start;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
static DRIVER_UNLOAD SampleUnload;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Sample->Start = KeQueryPerformanceCounter(NULL);
    CreateFiles();
    KeReleaseMutex(&Sample->Lock, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    LARGE_INTEGER End;
    LARGE_INTEGER Frequency;
    ULONG Moved;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Moved = MoveFiles();
    KeReleaseMutex(&Sample->Lock, FALSE);
    End = KeQueryPerformanceCounter(&Frequency);
    DbgPrint("moved %u files in %I64d ns\n", Moved,
             (End.QuadPart - Sample->Start.QuadPart) * (1000000000 / Frequency.QuadPart));
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
