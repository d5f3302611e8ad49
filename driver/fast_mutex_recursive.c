/*
 * A deadlock of one thread with itself: a FAST_MUTEX is not recursive, and the creator acquires it twice.
 *
 * Watch: no file is ever created. Both threads wait for ever with reason WrFastMutex; the mutex shows Count 8 (held, two
 * waiters), Contention 2, and as its Owner the creator, one of its own waiters.
 */
#include "workload.h"

typedef struct _SAMPLE {
    WORKERS Workers;
    FAST_MUTEX Lock;
} SAMPLE, *PSAMPLE;

static KSTART_ROUTINE CreatorThread;
static KSTART_ROUTINE MoverThread;
DRIVER_INITIALIZE DriverEntry;

static VOID CreatorThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    ExAcquireFastMutex(&Sample->Lock);
    ExAcquireFastMutex(&Sample->Lock);
    Count = CreateFiles();
    ExReleaseFastMutex(&Sample->Lock);
    DbgPrint("fast_mutex_recursive: created %u files\n", Count);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID MoverThread(PVOID Context)
{
    PSAMPLE Sample = (PSAMPLE)Context;
    ULONG Count;

    ExAcquireFastMutex(&Sample->Lock);
    Count = MoveFiles();
    ExReleaseFastMutex(&Sample->Lock);
    DbgPrint("fast_mutex_recursive: moved %u files\n", Count);
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
    ExInitializeFastMutex(&Sample->Lock);
    Status = StartWorkers(&Sample->Workers, CreatorThread, MoverThread, Sample);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DriverObject->DeviceObject);
        return Status;
    }
    /* No DriverUnload: its threads may sit in this image for ever, so it must stay where it is. */
    return STATUS_SUCCESS;
}
