/* What runs later: timers, DPCs, work items, APCs, threads; and what is waited for. */
#include "chaos.h"

static KDEFERRED_ROUTINE RunDpc;
static WORKER_THREAD_ROUTINE RunItem;

enum { RIGHT, WAITS, KEEPS, RAISES, TOUCHES, REPEATS, BEHAVIOURS };

static KSEMAPHORE Semaphores[OBJECTS];
static volatile LONG Counter;

/* What a routine that runs for another does, by the number that it is given. */
static VOID Behave(PVOID Context, PVOID Argument)
{
    static KMUTEX mutex;
    static volatile LONG initialized;
    LARGE_INTEGER soon;
    KIRQL before;
    if (!InterlockedExchange(&initialized, 1)) KeInitializeMutex(&mutex, 0);
    soon.QuadPart = -1000;
    UNREFERENCED_PARAMETER(Argument);
    switch ((ULONG_PTR)Context % BEHAVIOURS) {
    case WAITS: KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &soon); break;
    case KEEPS: KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, &soon); break;
    case RAISES: KeRaiseIrql((KIRQL)(KeGetCurrentIrql() + 1), &before); break;
    case TOUCHES: KeEnterCriticalRegion(); break;
    case REPEATS: KeSetEvent(&Events[1], IO_NO_INCREMENT, TRUE); break;
    default: InterlockedIncrement(&Counter);
    }
}

static VOID RunDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Context);
    Behave(First, Second);
    KeSetEvent(&Events[0], IO_NO_INCREMENT, FALSE);
    if ((ULONG_PTR)First % BEHAVIOURS == REPEATS && !Stopping) KeInsertQueueDpc(Dpc, NULL, NULL);
}

static VOID RunTimerDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc), UNREFERENCED_PARAMETER(First), UNREFERENCED_PARAMETER(Second);
    Behave(Context, NULL);
}

static VOID RunItem(PVOID Context)
{
    Behave(Context, NULL);
    End();
}

static PVOID Behaviour(PLAYER *Player)
{
    return (PVOID)(ULONG_PTR)(Wrong(Player) ? Below(Player, BEHAVIOURS) : RIGHT);
}

VOID InitializeQueues(PLAYER *Player)
{
    ULONG i;
    for (i = 0; i < OBJECTS; ++i) {
        KeInitializeTimerEx(&Player->Timers[i], i & 1);
        KeInitializeDpc(&Player->Dpcs[i], i < 2 ? RunDpc : RunTimerDpc, NULL);
    }
}

VOID InitializeSemaphores(VOID)
{
    ULONG i;
    for (i = 0; i < OBJECTS; ++i) KeInitializeSemaphore(&Semaphores[i], 1, (LONG)i + 1);
}

VOID StopQueues(PLAYER *Player)
{
    ULONG i;
    for (i = 0; i < OBJECTS; ++i) {
        KeCancelTimer(&Player->Timers[i]);
        KeRemoveQueueDpc(&Player->Dpcs[i]);
    }
}

VOID UseTimer(PLAYER *Player)
{
    ULONG i = Below(Player, OBJECTS), kind = Below(Player, 4);
    LARGE_INTEGER due, *timeout = RandomTimeout(Player, &due);
    LONG period = Below(Player, 2) ? 0 : (LONG)Below(Player, 3);
    if (!timeout) due.QuadPart = -MAXLONGLONG - 1;
    if (Wrong(Player)) {
        KeInitializeTimerEx(&Player->Timers[i], NotificationTimer);
        if (Below(Player, 2)) period = -5;
    }
    if (Wrong(Player)) KeInitializeDpc(&Player->Dpcs[i], RunTimerDpc, Behaviour(Player));
    if (kind == 0) KeCancelTimer(&Player->Timers[i]);
    else if (kind == 1) KeReadStateTimer(&Player->Timers[i]);
    else KeSetTimerEx(&Player->Timers[i], due, period, i < 2 ? NULL : &Player->Dpcs[i]);
}

VOID UseDpc(PLAYER *Player)
{
    ULONG i = Below(Player, Wrong(Player) ? OBJECTS : 2), kind = Below(Player, 4);
    if (Wrong(Player)) KeInitializeDpc(&Player->Dpcs[i], RunDpc, NULL);
    if (kind == 0) KeRemoveQueueDpc(&Player->Dpcs[i]);
    else if (kind == 1 && (KeGetCurrentIrql() == PASSIVE_LEVEL || Wrong(Player))) KeFlushQueuedDpcs();
    else KeInsertQueueDpc(&Player->Dpcs[i], Behaviour(Player), NULL);
}

/* There is no way to know that a work item of this kind has left the driver: it is never right to unload. */
VOID UseWorkItem(PLAYER *Player)
{
    ULONG i = Below(Player, OBJECTS);
    Begin();
    ExInitializeWorkItem(&Player->Items[i], RunItem, Behaviour(Player));
    ExQueueWorkItem(&Player->Items[i], Below(Player, 2) ? DelayedWorkQueue : CriticalWorkQueue);
    if (Wrong(Player)) ExQueueWorkItem(&Player->Items[i], DelayedWorkQueue);
}

typedef struct _ERRAND {
    PIO_WORKITEM Item;
    PVOID Behaviour;
    BOOLEAN Keep;
} ERRAND;

static VOID RunErrand(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    ERRAND *errand = Context;
    UNREFERENCED_PARAMETER(DeviceObject);
    Behave(errand->Behaviour, NULL);
    if (!errand->Keep) {
        IoFreeWorkItem(errand->Item);
        ExFreePoolWithTag(errand, CHAOS_TAG);
    }
    End();
}

VOID UseIoWorkItem(PLAYER *Player)
{
    ERRAND *errand = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *errand, CHAOS_TAG);
    if (!errand) return;
    errand->Behaviour = Behaviour(Player);
    errand->Keep = Wrong(Player);
    errand->Item = IoAllocateWorkItem(Device);
    if (!errand->Item) {
        ExFreePoolWithTag(errand, CHAOS_TAG);
        return;
    }
    Begin();
    IoQueueWorkItem(errand->Item, RunErrand, DelayedWorkQueue, errand);
    if (Wrong(Player)) IoQueueWorkItem(errand->Item, RunErrand, DelayedWorkQueue, errand);
    if (Wrong(Player)) IoFreeWorkItem(errand->Item);
}

VOID UseEvent(PLAYER *Player)
{
    KEVENT *event = &Events[Below(Player, OBJECTS)];
    if (Wrong(Player)) event = (KEVENT *)&Player->Timers[0];
    switch (Below(Player, 5)) {
    case 0: KeSetEvent(event, IO_NO_INCREMENT, FALSE); break;
    case 1: KeResetEvent(event); break;
    case 2: KeClearEvent(event); break;
    case 3: KeReadStateEvent(event); break;
    case 4: KePulseEvent(event, IO_NO_INCREMENT, FALSE); break;
    }
    if (Wrong(Player)) KeSetEvent(event, 127, TRUE);
}

VOID UseSemaphore(PLAYER *Player)
{
    KSEMAPHORE *semaphore = &Semaphores[Below(Player, OBJECTS)];
    LARGE_INTEGER none = {.QuadPart = 0}, any, *timeout = RandomTimeout(Player, &any);
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL && !Wrong(Player)) timeout = &none;
    if (!Wrong(Player) && KeWaitForSingleObject(semaphore, Executive, KernelMode, FALSE, timeout) != STATUS_SUCCESS)
        return;
    KeReleaseSemaphore(semaphore, IO_NO_INCREMENT, Wrong(Player) ? (LONG)Below(Player, 1000) : 1, FALSE);
}

VOID UseWait(PLAYER *Player)
{
    PVOID objects[MAXIMUM_WAIT_OBJECTS + 4];
    KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS + 4];
    static const ULONG counts[] = {1, 2, 3, 4, 10, 64, 65, 0};
    LARGE_INTEGER timeout;
    BOOLEAN wrong = Wrong(Player);
    ULONG count = Pick(Player, counts, wrong ? 8 : 6), i;
    for (i = 0; i < count && i < RTL_NUMBER_OF(objects); ++i) {
        ULONG kind = Below(Player, 3), index = Below(Player, OBJECTS);
        objects[i] = kind == 0 ? (PVOID)&Events[index] : kind == 1 ? (PVOID)&Never : (PVOID)&Player->Timers[index];
    }
    if (wrong && count && Below(Player, 4) == 0) objects[0] = (PVOID)&Counter;
    if (Below(Player, 2) || Stopping) {
        timeout.QuadPart = -(LONGLONG)Below(Player, 3000);
        KeDelayExecutionThread(KernelMode, (BOOLEAN)Below(Player, 2), &timeout);
        return;
    }
    KeWaitForMultipleObjects(count, objects, Below(Player, 2) ? WaitAny : WaitAll, Executive,
                             Wrong(Player) ? UserMode : KernelMode, (BOOLEAN)Below(Player, 2),
                             RandomTimeout(Player, &timeout), count > 3 && !wrong ? blocks : wrong ? NULL : blocks);
}

static VOID RunApc(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *First, PVOID *Second)
{
    UNREFERENCED_PARAMETER(Apc), UNREFERENCED_PARAMETER(Normal), UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Second);
    Behave(*First, NULL);
    End();
    ExFreePoolWithTag(Apc, CHAOS_TAG);
}

VOID UseApc(PLAYER *Player)
{
    KAPC *apc = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *apc, CHAOS_TAG);
    PVOID behaviour = Behaviour(Player);
    if (!apc) return;
    KeInitializeApc(apc, KeGetCurrentThread(), OriginalApcEnvironment, RunApc, NULL, NULL, KernelMode, NULL);
    Begin();
    if (!KeInsertQueueApc(apc, behaviour, NULL, IO_NO_INCREMENT)) {
        End();
        ExFreePoolWithTag(apc, CHAOS_TAG);
    }
    if (Wrong(Player)) KeInsertQueueApc(apc, behaviour, NULL, IO_NO_INCREMENT);
}

static VOID Briefly(PVOID Context)
{
    PLAYER *player = Context;
    ULONG i;
    for (i = 0; i < 5; ++i) Step(player);
    if (Wrong(player)) KeEnterCriticalRegion();
    FreeBlocks(player);
    StopQueues(player);
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(player, CHAOS_TAG);
    End();
}

VOID UseThread(PLAYER *Player)
{
    PKTHREAD thread;
    BOOLEAN forgotten = Wrong(Player);
    PLAYER *child = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *child, CHAOS_TAG);
    if (!child) return;
    RtlZeroMemory(child, sizeof *child);
    child->Index = Player->Index;
    child->Random = Player->Random ^ 0x5555;
    child->Rank = forgotten ? 0 : Player->Rank;
    child->Depth = 2;
    InitializeQueues(child);
    Begin();
    if (!StartThread(Briefly, child, &thread)) {
        End();
        ExFreePoolWithTag(child, CHAOS_TAG);
        return;
    }
    if (!forgotten) KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    if (Wrong(Player)) KeSetPriorityThread(thread, (KPRIORITY)Below(Player, 64));
    ObDereferenceObject(thread);
    if (Wrong(Player)) ObDereferenceObject(thread);
}

static ULONG_PTR Everywhere(ULONG_PTR Context)
{
    InterlockedIncrement(&Counter);
    if (Context) KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
    return Context;
}

static VOID Broadcast(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    if (!Context) KeSignalCallDpcSynchronize(Second);
    KeSignalCallDpcDone(First);
}

VOID UseBroadcast(PLAYER *Player)
{
    if (Below(Player, 2)) KeIpiGenericCall(Everywhere, Wrong(Player));
    else KeGenericCallDpc(Broadcast, Wrong(Player) ? Player : NULL);
}
