"""A driver whose threads hold and want a lock of every kind, and which has a device, a handle, a timer and pool."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import source  # noqa: E402

LOCKS = source(globals="""ERESOURCE Resource;
EX_PUSH_LOCK PushLock;
KSEMAPHORE Semaphore;
KEVENT Event, Never, Owned, TookFirst, TookSecond;
KMUTEX First, Second;
KTIMER Timer;
KDPC TimerDpc;
static PDEVICE_OBJECT Device;
PVOID Small, Large, Freed;
HANDLE EventHandle;
static HANDLE Threads[16];
static VOID Forever(PKEVENT Which, KWAIT_REASON Reason) { KeWaitForSingleObject(Which, Reason, KernelMode, FALSE, NULL); }
static VOID Owner(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExAcquirePushLockExclusive(&PushLock);
    KeSetEvent(&Owned, 0, FALSE);
    Forever(&Never, UserRequest);
}
static VOID ResourceReader(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Resource, TRUE);
}
static VOID PushWriter(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&PushLock);
}
static VOID SemaphoreWaiter(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, NULL);
}
static VOID ManyWaiter(PVOID Context)
{
    KWAIT_BLOCK Blocks[4];
    PVOID Objects[4] = {&Event, &Semaphore, &First, &Never};
    (void)Context;
    KeWaitForMultipleObjects(4, Objects, WaitAll, WrMutex, KernelMode, FALSE, NULL, Blocks);
}
static VOID Sleeper(PVOID Context)
{
    LARGE_INTEGER Delay;
    (void)Context;
    Delay.QuadPart = -36000000000LL;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
}
static VOID FirstThenSecond(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&First, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&TookFirst, 0, FALSE);
    Forever(&TookSecond, UserRequest);
    KeWaitForSingleObject(&Second, Executive, KernelMode, FALSE, NULL);
}
static VOID SecondThenFirst(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&Second, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&TookSecond, 0, FALSE);
    Forever(&TookFirst, UserRequest);
    KeWaitForSingleObject(&First, Executive, KernelMode, FALSE, NULL);
}
static VOID OnTimer(PKDPC Dpc, PVOID Context, PVOID One, PVOID Two) { (void)Dpc, (void)Context, (void)One, (void)Two; }
""", entry="""static const PKSTART_ROUTINE Routines[] = {Owner, ResourceReader, PushWriter, SemaphoreWaiter, ManyWaiter, Sleeper, FirstThenSecond, SecondThenFirst};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\Device\\\\Locks");
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER Due;
    ExInitializeResourceLite(&Resource);
    ExInitializePushLock(&PushLock);
    KeInitializeSemaphore(&Semaphore, 0, 7);
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeEvent(&Owned, NotificationEvent, FALSE);
    KeInitializeEvent(&TookFirst, NotificationEvent, FALSE);
    KeInitializeEvent(&TookSecond, NotificationEvent, FALSE);
    KeInitializeMutex(&First, 0);
    KeInitializeMutex(&Second, 0);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, OnTimer, NULL);
    Due.QuadPart = -36000000000LL;
    KeSetTimerEx(&Timer, Due, 250, &TimerDpc);
    IoCreateDevice(DriverObject, 64, &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&EventHandle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    Small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, '1cdK');
    Large = ExAllocatePool2(POOL_FLAG_PAGED, 10000, '2cdK');
    Freed = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, '3cdK');
    ExFreePool(Freed);
    for (ULONG I = 0; I < sizeof Routines / sizeof Routines[0]; I++) {
        Start(Routines[I], &Threads[I]);
        Forever(&Owned, Executive);
    }
    DbgPrint("locks: ready\\n");""")
