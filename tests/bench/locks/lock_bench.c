/* Each operation on a lock as a driver writes it, in a loop for bench_locks to time. */
#include "lock_bench.h"

typedef struct DECLSPEC_CACHEALIGN _SLOT {
    FAST_MUTEX FastMutex;
    KMUTEX Mutex;
    EX_PUSH_LOCK PushLock;
    ERESOURCE Resource;
    KEVENT Event;
    KSPIN_LOCK SpinLock;
    KSEMAPHORE Semaphore;
    DECLSPEC_CACHEALIGN KSEMAPHORE Ping;
    KSEMAPHORE Pong;
} SLOT, *PSLOT;

static SLOT Slots[LOCK_BENCH_SLOTS];

#define OPERATION(Name, PrepareStatement, LoopStatement) \
    static VOID Name##Prepare(ULONG Index)               \
    {                                                    \
        PSLOT Slot = &Slots[Index];                      \
        PrepareStatement;                                \
    }                                                    \
    static VOID Name##Loop(ULONG Index, ULONG64 Count)   \
    {                                                    \
        PSLOT Slot = &Slots[Index];                      \
        while (Count-- != 0) {                           \
            LoopStatement;                               \
        }                                                \
    }

#define ACQUIRE(Object) KeWaitForSingleObject(&Slot->Object, Executive, KernelMode, FALSE, NULL)
#define IN_REGION(Statements)   \
    do {                        \
        KeEnterCriticalRegion(); \
        Statements;             \
        KeLeaveCriticalRegion(); \
    } while (0)

OPERATION(FastMutex, ExInitializeFastMutex(&Slot->FastMutex),
          (ExAcquireFastMutex(&Slot->FastMutex), ExReleaseFastMutex(&Slot->FastMutex)))

OPERATION(Mutex, KeInitializeMutex(&Slot->Mutex, 0), (ACQUIRE(Mutex), KeReleaseMutex(&Slot->Mutex, FALSE)))

OPERATION(PushLockExclusive, ExInitializePushLock(&Slot->PushLock),
          (ExAcquirePushLockExclusive(&Slot->PushLock), ExReleasePushLockExclusive(&Slot->PushLock)))

OPERATION(PushLockShared, ExInitializePushLock(&Slot->PushLock),
          (ExAcquirePushLockShared(&Slot->PushLock), ExReleasePushLockShared(&Slot->PushLock)))

OPERATION(PushLockExclusiveInRegion, ExInitializePushLock(&Slot->PushLock),
          IN_REGION((ExAcquirePushLockExclusive(&Slot->PushLock), ExReleasePushLockExclusive(&Slot->PushLock))))

OPERATION(PushLockSharedInRegion, ExInitializePushLock(&Slot->PushLock),
          IN_REGION((ExAcquirePushLockShared(&Slot->PushLock), ExReleasePushLockShared(&Slot->PushLock))))

/* One thread stays in a critical region for all of its rounds, as a file system does for a request. */
static VOID ResourceSharedPrepare(ULONG Index)
{
    ExInitializeResourceLite(&Slots[Index].Resource);
}

static VOID ResourceSharedLoop(ULONG Index, ULONG64 Count)
{
    PSLOT Slot = &Slots[Index];

    KeEnterCriticalRegion();
    while (Count-- != 0) {
        ExAcquireResourceSharedLite(&Slot->Resource, TRUE);
        ExReleaseResourceLite(&Slot->Resource);
    }
    KeLeaveCriticalRegion();
}

static VOID ResourceFinish(ULONG Index)
{
    ExDeleteResourceLite(&Slots[Index].Resource);
}

OPERATION(ResourceSharedInRegion, ExInitializeResourceLite(&Slot->Resource),
          IN_REGION((ExAcquireResourceSharedLite(&Slot->Resource, TRUE), ExReleaseResourceLite(&Slot->Resource))))

OPERATION(EventSetClear, KeInitializeEvent(&Slot->Event, NotificationEvent, FALSE),
          (KeSetEvent(&Slot->Event, IO_NO_INCREMENT, FALSE), KeClearEvent(&Slot->Event)))

OPERATION(EventWait, KeInitializeEvent(&Slot->Event, NotificationEvent, TRUE), ACQUIRE(Event))

OPERATION(SemaphoreWaitRelease, KeInitializeSemaphore(&Slot->Semaphore, 1, 1),
          (ACQUIRE(Semaphore), KeReleaseSemaphore(&Slot->Semaphore, IO_NO_INCREMENT, 1, FALSE)))

/* Two threads: one runs Ping, the other Pong, the same number of rounds. */
OPERATION(Ping, (KeInitializeSemaphore(&Slot->Ping, 0, 1), KeInitializeSemaphore(&Slot->Pong, 0, 1)),
          (KeReleaseSemaphore(&Slot->Ping, IO_NO_INCREMENT, 1, FALSE), ACQUIRE(Pong)))

OPERATION(Pong, UNREFERENCED_PARAMETER(Slot),
          (ACQUIRE(Ping), KeReleaseSemaphore(&Slot->Pong, IO_NO_INCREMENT, 1, FALSE)))

static VOID SpinLockPrepare(ULONG Index)
{
    KeInitializeSpinLock(&Slots[Index].SpinLock);
}

static VOID SpinLockLoop(ULONG Index, ULONG64 Count)
{
    PSLOT Slot = &Slots[Index];
    KIRQL OldIrql;

    while (Count-- != 0) {
        KeAcquireSpinLock(&Slot->SpinLock, &OldIrql);
        KeReleaseSpinLock(&Slot->SpinLock, OldIrql);
    }
}

#define ROW(Name) {#Name, Name##Prepare, Name##Loop, NULL}

DECLSPEC_EXPORT const LOCK_BENCH_OPERATION LockBenchOperations[] = {
    ROW(FastMutex),
    ROW(Mutex),
    ROW(PushLockExclusive),
    ROW(PushLockShared),
    ROW(PushLockExclusiveInRegion),
    ROW(PushLockSharedInRegion),
    {"ResourceShared", ResourceSharedPrepare, ResourceSharedLoop, ResourceFinish},
    {"ResourceSharedInRegion", ResourceSharedInRegionPrepare, ResourceSharedInRegionLoop, ResourceFinish},
    ROW(EventSetClear),
    ROW(EventWait),
    ROW(SemaphoreWaitRelease),
    ROW(Ping),
    ROW(Pong),
    ROW(SpinLock),
    {NULL, NULL, NULL, NULL},
};

static VOID LockBenchUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = LockBenchUnload;
    return STATUS_SUCCESS;
}
