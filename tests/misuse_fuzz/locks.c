/* Every kind of lock, taken and given back in a fixed order, or wrongly. */
#include "chaos.h"

static struct {
    KMUTEX Mutex;
    ERESOURCE Resource;
    FAST_MUTEX Fast;
    KGUARDED_MUTEX Guarded;
    EX_PUSH_LOCK Push;
    EX_RUNDOWN_REF Rundown;
    IO_REMOVE_LOCK Remove;
    KSPIN_LOCK Spin;
    KSPIN_LOCK Queued;
    EX_SPIN_LOCK ReaderWriter;
} Sets[SETS];

VOID InitializeLocks(VOID)
{
    ULONG i;
    for (i = 0; i < SETS; ++i) {
        KeInitializeMutex(&Sets[i].Mutex, 0);
        ExInitializeResourceLite(&Sets[i].Resource);
        ExInitializeFastMutex(&Sets[i].Fast);
        KeInitializeGuardedMutex(&Sets[i].Guarded);
        ExInitializePushLock(&Sets[i].Push);
        ExInitializeRundownProtection(&Sets[i].Rundown);
        IoInitializeRemoveLock(&Sets[i].Remove, CHAOS_TAG, 0, 0);
        KeInitializeSpinLock(&Sets[i].Spin);
        KeInitializeSpinLock(&Sets[i].Queued);
        Sets[i].ReaderWriter = 0;
    }
}

VOID DeleteLocks(VOID)
{
    ULONG i;
    for (i = 0; i < SETS; ++i) ExDeleteResourceLite(&Sets[i].Resource);
}

static BOOLEAN TakeMutex(PLAYER *Player, ULONG i)
{
    LARGE_INTEGER timeout;
    return KeWaitForSingleObject(&Sets[i].Mutex, Executive, KernelMode, FALSE, RandomTimeout(Player, &timeout)) ==
           STATUS_SUCCESS;
}
static VOID GiveMutex(PLAYER *Player, ULONG i) { KeReleaseMutex(&Sets[i].Mutex, FALSE); }

static BOOLEAN TakeResource(PLAYER *Player, ULONG i)
{
    BOOLEAN wait = Below(Player, 2) == 0, taken;
    KeEnterCriticalRegion();
    taken = ExAcquireResourceExclusiveLite(&Sets[i].Resource, wait);
    if (!taken) KeLeaveCriticalRegion();
    return taken;
}
static BOOLEAN ShareResource(PLAYER *Player, ULONG i)
{
    BOOLEAN wait = Below(Player, 2) == 0, taken;
    KeEnterCriticalRegion();
    taken = ExAcquireResourceSharedLite(&Sets[i].Resource, wait);
    if (!taken) KeLeaveCriticalRegion();
    return taken;
}
static VOID GiveResource(PLAYER *Player, ULONG i)
{
    ExReleaseResourceLite(&Sets[i].Resource);
    KeLeaveCriticalRegion();
}

static BOOLEAN TakeFast(PLAYER *Player, ULONG i)
{
    if (Below(Player, 2)) return ExTryToAcquireFastMutex(&Sets[i].Fast);
    ExAcquireFastMutex(&Sets[i].Fast);
    return TRUE;
}
static VOID GiveFast(PLAYER *Player, ULONG i) { ExReleaseFastMutex(&Sets[i].Fast); }

static BOOLEAN TakeGuarded(PLAYER *Player, ULONG i)
{
    KeAcquireGuardedMutex(&Sets[i].Guarded);
    return TRUE;
}
static VOID GiveGuarded(PLAYER *Player, ULONG i) { KeReleaseGuardedMutex(&Sets[i].Guarded); }

static BOOLEAN TakePush(PLAYER *Player, ULONG i)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&Sets[i].Push);
    return TRUE;
}
static BOOLEAN SharePush(PLAYER *Player, ULONG i)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&Sets[i].Push);
    return TRUE;
}
static VOID GivePush(PLAYER *Player, ULONG i)
{
    ExReleasePushLockExclusive(&Sets[i].Push);
    KeLeaveCriticalRegion();
}
static VOID UnsharePush(PLAYER *Player, ULONG i)
{
    ExReleasePushLockShared(&Sets[i].Push);
    KeLeaveCriticalRegion();
}

static BOOLEAN TakeRundown(PLAYER *Player, ULONG i) { return ExAcquireRundownProtection(&Sets[i].Rundown); }
static VOID GiveRundown(PLAYER *Player, ULONG i) { ExReleaseRundownProtection(&Sets[i].Rundown); }

static BOOLEAN TakeRemove(PLAYER *Player, ULONG i)
{
    return NT_SUCCESS(IoAcquireRemoveLock(&Sets[i].Remove, Player));
}
static VOID GiveRemove(PLAYER *Player, ULONG i) { IoReleaseRemoveLock(&Sets[i].Remove, Player); }

static BOOLEAN TakeSpin(PLAYER *Player, ULONG i)
{
    KeAcquireSpinLock(&Sets[i].Spin, &Player->OldIrql[i]);
    return TRUE;
}
static VOID GiveSpin(PLAYER *Player, ULONG i) { KeReleaseSpinLock(&Sets[i].Spin, Player->OldIrql[i]); }

static BOOLEAN TakeQueued(PLAYER *Player, ULONG i)
{
    KeAcquireInStackQueuedSpinLock(&Sets[i].Queued, &Player->Queued[i]);
    return TRUE;
}
static VOID GiveQueued(PLAYER *Player, ULONG i) { KeReleaseInStackQueuedSpinLock(&Player->Queued[i]); }

/* Taken after the spin locks, so that OldIrql is not shared with one that is held. */
static KIRQL ReaderIrql[PLAYERS][SETS];
static BOOLEAN TakeWriter(PLAYER *Player, ULONG i)
{
    ReaderIrql[Player->Index][i] = ExAcquireSpinLockExclusive(&Sets[i].ReaderWriter);
    return TRUE;
}
static VOID GiveWriter(PLAYER *Player, ULONG i)
{
    ExReleaseSpinLockExclusive(&Sets[i].ReaderWriter, ReaderIrql[Player->Index][i]);
}
static BOOLEAN TakeReader(PLAYER *Player, ULONG i)
{
    ReaderIrql[Player->Index][i] = ExAcquireSpinLockShared(&Sets[i].ReaderWriter);
    return TRUE;
}
static VOID GiveReader(PLAYER *Player, ULONG i)
{
    ExReleaseSpinLockShared(&Sets[i].ReaderWriter, ReaderIrql[Player->Index][i]);
}

typedef struct _LOCK_KIND {
    BOOLEAN (*Take)(PLAYER *Player, ULONG i);
    VOID (*Give)(PLAYER *Player, ULONG i);
    ULONG Class; /* locks are taken in this order, and within a class by set */
    KIRQL Irql;
} LOCK_KIND;

static const LOCK_KIND Kinds[] = {
    {TakeMutex, GiveMutex, 0, APC_LEVEL},       {TakeResource, GiveResource, 1, APC_LEVEL},
    {ShareResource, GiveResource, 1, APC_LEVEL}, {TakePush, GivePush, 2, APC_LEVEL},
    {SharePush, UnsharePush, 2, APC_LEVEL},     {TakeFast, GiveFast, 3, APC_LEVEL},
    {TakeGuarded, GiveGuarded, 4, APC_LEVEL},   {TakeRundown, GiveRundown, 5, APC_LEVEL},
    {TakeRemove, GiveRemove, 6, DISPATCH_LEVEL}, {TakeSpin, GiveSpin, 7, DISPATCH_LEVEL},
    {TakeQueued, GiveQueued, 8, DISPATCH_LEVEL}, {TakeWriter, GiveWriter, 9, DISPATCH_LEVEL},
    {TakeReader, GiveReader, 9, DISPATCH_LEVEL},
};

typedef struct _LOAN {
    const LOCK_KIND *Kind;
    ULONG Set;
    PLAYER Player;
} LOAN;

static VOID GiveElsewhere(PVOID Context)
{
    LOAN *loan = Context;
    loan->Kind->Give(&loan->Player, loan->Set);
    ExFreePoolWithTag(loan, CHAOS_TAG);
}

static VOID GiveInAnotherThread(PLAYER *Player, const LOCK_KIND *Kind, ULONG Set)
{
    PKTHREAD thread;
    LOAN *loan = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *loan, CHAOS_TAG);
    if (!loan) return;
    loan->Kind = Kind;
    loan->Set = Set;
    loan->Player = *Player;
    if (StartThread(GiveElsewhere, loan, &thread)) ObDereferenceObject(thread);
}

VOID UseLock(PLAYER *Player)
{
    const LOCK_KIND *kind = &Kinds[Below(Player, RTL_NUMBER_OF(Kinds))];
    ULONG set = Below(Player, SETS), rank = 1 + kind->Class * SETS + set, before = Player->Rank;
    ULONG wrong = Wrong(Player) ? 1 + Below(Player, 9) : 0;
    KIRQL irql = PASSIVE_LEVEL;
    if ((rank <= before || KeGetCurrentIrql() > kind->Irql) && !wrong) return;
    if (wrong == 1) {
        kind->Give(Player, set);
        return;
    }
    if (wrong == 2) KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (!kind->Take(Player, set)) return;
    Player->Rank = rank;
    if (wrong == 3) kind->Take(Player, set);
    Step(Player);
    Step(Player);
    Player->Rank = before;
    if (wrong == 4) return;
    if (wrong == 5) KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (wrong == 6) GiveInAnotherThread(Player, kind, set);
    if (wrong == 7) PsTerminateSystemThread(STATUS_UNSUCCESSFUL);
    if (wrong == 8) InitializeLocks();
    if (wrong == 9) kind->Give(Player, set);
    kind->Give(Player, set);
    if (wrong == 2 || wrong == 5) KeLowerIrql(irql);
}

VOID UseRegion(PLAYER *Player)
{
    BOOLEAN guarded = Below(Player, 2) == 0;
    if (!Wrong(Player)) guarded ? KeEnterGuardedRegion() : KeEnterCriticalRegion();
    Step(Player);
    if (!Wrong(Player)) guarded ? KeLeaveGuardedRegion() : KeLeaveCriticalRegion();
}

VOID UseIrql(PLAYER *Player)
{
    static const ULONG levels[] = {APC_LEVEL, DISPATCH_LEVEL};
    static const ULONG odd[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, 5, CLOCK_LEVEL, HIGH_LEVEL};
    KIRQL before, level = (KIRQL)(Wrong(Player) ? Pick(Player, odd, 6) : Pick(Player, levels, 2));
    if (level < KeGetCurrentIrql() && !Wrong(Player)) return;
    KeRaiseIrql(level, &before);
    Step(Player);
    if (Wrong(Player)) before = (KIRQL)Pick(Player, odd, 6);
    if (!Wrong(Player)) KeLowerIrql(before);
}
