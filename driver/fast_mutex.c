/*
 * The same two threads behind a FAST_MUTEX.
 *
 * Watch: as in kmutex.c all 1000 files arrive in C:\Temp2; while the mover waits its reason is WrFastMutex and the
 * mutex shows Count 4 (held, one waiter) and Contention 1. Both threads work at APC_LEVEL.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    FAST_MUTEX Lock;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
static DRIVER_UNLOAD SampleUnload;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    ExAcquireFastMutex(&Sample->Lock);
    Count = CreateFiles();
    ExReleaseFastMutex(&Sample->Lock);
    DbgPrint("fast_mutex: created %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    ExAcquireFastMutex(&Sample->Lock);
    Count = MoveFiles();
    ExReleaseFastMutex(&Sample->Lock);
    DbgPrint("fast_mutex: moved %u files\n", Count);
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
    ExInitializeFastMutex(&Sample->Lock);
    Status = StartWorkers(&Sample->Workers, CreatorThread, MoverThread, Sample);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DriverObject->DeviceObject);
        return Status;
    }
    DriverObject->DriverUnload = SampleUnload;
    return STATUS_SUCCESS;
}
