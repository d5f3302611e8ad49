/*
 * The same two threads behind a push lock, acquired exclusively inside a critical region.
 *
 * Watch: as in kmutex.c all 1000 files arrive in C:\Temp2; the lock is one pointer wide and records no owner.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    EX_PUSH_LOCK Lock;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
static DRIVER_UNLOAD SampleUnload;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&Sample->Lock);
    Count = CreateFiles();
    ExReleasePushLockExclusive(&Sample->Lock);
    KeLeaveCriticalRegion();
    DbgPrint("push_lock: created %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&Sample->Lock);
    Count = MoveFiles();
    ExReleasePushLockExclusive(&Sample->Lock);
    KeLeaveCriticalRegion();
    DbgPrint("push_lock: moved %u files\n", Count);
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
    ExInitializePushLock(&Sample->Lock);
    Status = StartWorkers(&Sample->Workers, CreatorThread, MoverThread, Sample);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DriverObject->DeviceObject);
        return Status;
    }
    DriverObject->DriverUnload = SampleUnload;
    return STATUS_SUCCESS;
}
