/*
 * A lock kept while sleeping: the creator makes its files, then keeps the KMUTEX for half an hour.
 *
 * Watch: 1000 files in C:\Temp, none in C:\Temp2. The creator waits with reason DelayExecution; the mover waits with
 * reason Executive on a Mutant whose owner is the creator.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    KMUTEX Lock;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;
    LARGE_INTEGER HalfAnHour;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Count = CreateFiles();
    DbgPrint("kmutex_delay: created %u files, keeping the mutex for half an hour\n", Count);
    HalfAnHour.QuadPart = -30LL * 60 * 1000 * 1000 * 10;
    KeDelayExecutionThread(KernelMode, FALSE, &HalfAnHour);
    KeReleaseMutex(&Sample->Lock, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    KeWaitForSingleObject(&Sample->Lock, Executive, KernelMode, FALSE, NULL);
    Count = MoveFiles();
    KeReleaseMutex(&Sample->Lock, FALSE);
    DbgPrint("kmutex_delay: moved %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
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
    /* No DriverUnload: its threads may sit in this image for ever, so it must stay where it is. */
    return STATUS_SUCCESS;
}
