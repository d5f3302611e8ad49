/* A counter: who adds does not wait, a thread of the driver does the work. */
#include "@NAME@.h"

VOID CounterInitialize(PCOUNTER Counter)
{
    RtlZeroMemory(Counter, sizeof(*Counter));
    ExInitializeFastMutex(&Counter->Lock);
    KeInitializeEvent(&Counter->Changed, SynchronizationEvent, FALSE);
}

VOID CounterStop(PCOUNTER Counter)
{
    ExAcquireFastMutex(&Counter->Lock);
    Counter->Stopping = TRUE;
    ExReleaseFastMutex(&Counter->Lock);
    KeSetEvent(&Counter->Changed, IO_NO_INCREMENT, FALSE);
}

BOOLEAN CounterWork(PCOUNTER Counter)
{
    BOOLEAN Stopping;

    ExAcquireFastMutex(&Counter->Lock);
    Counter->Total += Counter->Pending;
    Counter->Pending = 0;
    Stopping = Counter->Stopping;
    ExReleaseFastMutex(&Counter->Lock);
    return !Stopping;
}

static NTSTATUS CounterAdd(PCOUNTER Counter, const ULONG *Value, ULONG Length)
{
    if (Length != sizeof(*Value)) {
        return STATUS_INVALID_PARAMETER;
    }
    ExAcquireFastMutex(&Counter->Lock);
    Counter->Pending += *Value;
    ExReleaseFastMutex(&Counter->Lock);
    KeSetEvent(&Counter->Changed, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS CounterTotal(PCOUNTER Counter, PULONG64 Total, ULONG Length, PULONG_PTR Information)
{
    if (Length < sizeof(*Total)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    ExAcquireFastMutex(&Counter->Lock);
    *Total = Counter->Total;
    ExReleaseFastMutex(&Counter->Lock);
    *Information = sizeof(*Total);
    return STATUS_SUCCESS;
}

NTSTATUS CounterControl(PCOUNTER Counter, ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                        PULONG_PTR Information)
{
    *Information = 0;
    switch (ControlCode) {
    case IOCTL_@NAME_UPPER@_ADD:
        return CounterAdd(Counter, Buffer, InputLength);
    case IOCTL_@NAME_UPPER@_TOTAL:
        return CounterTotal(Counter, Buffer, OutputLength, Information);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
