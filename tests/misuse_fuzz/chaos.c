/* The service's name says what to do: chaos_SEED, wild_SEED (with wild writes), both in decimal. */
#include "chaos.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

ULONG64 ChaosSeed;
ULONG WrongRate;
static ULONG WildRate; /* of 1000 calls: so many write where nothing is theirs */
volatile LONG Stopping;
PLAYER Players[PLAYERS];
PDEVICE_OBJECT Device;
PDRIVER_OBJECT Driver;
KEVENT Never, Events[OBJECTS];

static ULONG Calls;
static ULONG64 Enabled;
static volatile LONG Playing;
static volatile LONG Outstanding = 1;
static KEVENT NoneOutstanding;

/* `Irql`: the highest at which it is right. `Misuse`: there is no right way. */
static const struct {
    STEP *Step;
    KIRQL Irql;
    BOOLEAN Misuse;
} Steps[] = {
    {UseLock, DISPATCH_LEVEL},
    {UseLock, DISPATCH_LEVEL},
    {UseRegion, APC_LEVEL},
    {UseIrql, DISPATCH_LEVEL},
    {UseTimer, DISPATCH_LEVEL},
    {UseDpc, DISPATCH_LEVEL},
    {UseWorkItem, DISPATCH_LEVEL, TRUE},
    {UseIoWorkItem, DISPATCH_LEVEL},
    {UseEvent, DISPATCH_LEVEL},
    {UseSemaphore, DISPATCH_LEVEL},
    {UseWait, APC_LEVEL},
    {UseApc, APC_LEVEL},
    {UseThread, PASSIVE_LEVEL},
    {UseBroadcast, PASSIVE_LEVEL},
    {UsePool, DISPATCH_LEVEL},
    {UsePool, DISPATCH_LEVEL},
    {UseLookaside, DISPATCH_LEVEL},
    {UseList, DISPATCH_LEVEL},
    {UseMdl, DISPATCH_LEVEL},
    {UseFile, PASSIVE_LEVEL},
    {UseFile, PASSIVE_LEVEL},
    {UseBadHandle, PASSIVE_LEVEL, TRUE},
    {UseObject, PASSIVE_LEVEL},
    {UseKey, PASSIVE_LEVEL},
    {UseDevice, PASSIVE_LEVEL},
    {UseIrp, DISPATCH_LEVEL},
    {UseControl, PASSIVE_LEVEL},
    {UseBugcheckCallback, DISPATCH_LEVEL},
    {UseEnd, DISPATCH_LEVEL, TRUE},
};

static ULONG64 Mix(ULONG64 Value)
{
    Value = (Value ^ (Value >> 30)) * 0xBF58476D1CE4E5B9;
    Value = (Value ^ (Value >> 27)) * 0x94D049BB133111EB;
    return Value ^ (Value >> 31);
}

ULONG Below(PLAYER *Player, ULONG Limit)
{
    Player->Random += 0x9E3779B97F4A7C15;
    return (ULONG)((Mix(Player->Random) >> 32) % Limit);
}

ULONG Pick(PLAYER *Player, const ULONG *Values, ULONG Count) { return Values[Below(Player, Count)]; }

BOOLEAN Wrong(PLAYER *Player) { return Below(Player, 1000) < WrongRate; }

PLARGE_INTEGER RandomTimeout(PLAYER *Player, PLARGE_INTEGER Timeout)
{
    BOOLEAN odd = Wrong(Player);
    ULONG kind = Below(Player, odd ? 11 : 7);
    KeQuerySystemTime(Timeout);
    switch (kind) {
    case 0:
    case 1: Timeout->QuadPart = 0; break;
    case 2: Timeout->QuadPart = -1; break;
    case 3: Timeout->QuadPart = -(LONGLONG)Below(Player, 5000); break;
    case 4: Timeout->QuadPart -= 10000000; break;
    case 5: Timeout->QuadPart += Below(Player, 10000); break;
    case 6: Timeout->QuadPart = 1; break;
    case 7: return NULL;
    case 8: Timeout->QuadPart = -MAXLONGLONG - 1; break;
    case 9: Timeout->QuadPart = MAXLONGLONG; break;
    case 10: Timeout->QuadPart = -6000000000LL; break;
    }
    return Timeout;
}

VOID Begin(VOID) { InterlockedIncrement(&Outstanding); }
VOID End(VOID)
{
    if (!InterlockedDecrement(&Outstanding)) KeSetEvent(&NoneOutstanding, IO_NO_INCREMENT, FALSE);
}

VOID Step(PLAYER *Player)
{
    ULONG kind = Below(Player, RTL_NUMBER_OF(Steps));
    LARGE_INTEGER now;
    if (Stopping || Player->Depth > 3 || !(Enabled >> kind & 1) || (Steps[kind].Misuse && !Wrong(Player)) ||
        ((KeGetCurrentIrql() > Steps[kind].Irql || (Steps[kind].Irql == PASSIVE_LEVEL && KeAreAllApcsDisabled())) &&
         !Wrong(Player))) {
        KeQuerySystemTime(&now);
        return;
    }
    ++Player->Depth;
    Steps[kind].Step(Player);
    --Player->Depth;
}

static VOID Play(PVOID Context)
{
    PLAYER *player = Context;
    ULONG call;
    for (call = 0; call < Calls && !Stopping; ++call) {
        /* What one call's outcome was does not change what the next ones are. */
        player->Random = Mix(ChaosSeed * PLAYERS + player->Index) + Mix(call);
        if (Below(player, 1000) < WildRate) UseWildWrite(player);
        Step(player);
    }
    FreeBlocks(player);
    if (!InterlockedDecrement(&Playing)) DbgPrint("chaos: done\n");
    PsTerminateSystemThread(STATUS_SUCCESS);
}

BOOLEAN StartThread(PKSTART_ROUTINE Routine, PVOID Context, PKTHREAD *Thread)
{
    HANDLE handle;
    PVOID thread = NULL;
    NTSTATUS status;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, Routine, Context)))
        return FALSE;
    do { /* it may fail when the verifier makes calls fail, and then there is nothing else to wait for */
        status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    } while (!NT_SUCCESS(status));
    ZwClose(handle);
    *Thread = thread;
    return TRUE;
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    LARGE_INTEGER patience, *timeout = &patience;
    ULONG i;
    PLAYER unloader = {.Random = ChaosSeed};
    InterlockedExchange(&Stopping, 1);
    /* A driver that does nothing wrong waits as long as it has to; others wait a moment, or not at all. */
    patience.QuadPart = Wrong(&unloader) ? 0 : -1000000;
    if (!WrongRate) timeout = NULL;
    KeSetEvent(&Never, IO_NO_INCREMENT, FALSE);
    for (i = 0; i < PLAYERS; ++i) {
        if (!Players[i].Thread) continue;
        KeWaitForSingleObject(Players[i].Thread, Executive, KernelMode, FALSE, timeout);
        ObDereferenceObject(Players[i].Thread);
    }
    if (!Wrong(&unloader)) {
        for (i = 0; i < PLAYERS; ++i) StopQueues(&Players[i]);
        KeFlushQueuedDpcs();
    }
    End();
    KeWaitForSingleObject(&NoneOutstanding, Executive, KernelMode, FALSE, timeout);
    RemoveCallbacks();
    if (!Wrong(&unloader)) DeleteLocks();
    if (!Wrong(&unloader)) IoDeleteDevice(Device);
    UNREFERENCED_PARAMETER(DriverObject);
}

static ULONG64 SeedOf(PUNICODE_STRING Name)
{
    ULONG64 seed = 0;
    USHORT i;
    for (i = 0; i < Name->Length / sizeof(WCHAR); ++i) {
        if (Name->Buffer[i] >= L'0' && Name->Buffer[i] <= L'9') seed = seed * 10 + (Name->Buffer[i] - L'0');
    }
    return seed;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const ULONG rates[] = {0, 1, 3, 10, 30, 100, 300, 1000};
    PUNICODE_STRING name = &DriverObject->DriverExtension->ServiceKeyName;
    PLAYER first = {0};
    NTSTATUS status;
    ULONG i;
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver = DriverObject;
    ChaosSeed = SeedOf(name);
    first.Random = Mix(ChaosSeed);
    /* A seed that 8 divides does nothing wrong, which has to end well. */
    WrongRate = rates[ChaosSeed % RTL_NUMBER_OF(rates)];
    if (name->Buffer[0] == L'w') {
        WildRate = 1 + rates[Below(&first, 7)];
        WrongRate = rates[ChaosSeed % 4];
    }
    Calls = 20u << Below(&first, 6);
    Enabled = ((ULONG64)Below(&first, 0xFFFFFFFF) << 32 | Below(&first, 0xFFFFFFFF)) | (1ull << Below(&first, 28));
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(status)) return status;
    DriverObject->DriverUnload = Unload;
    RegisterDispatch(DriverObject);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KeInitializeEvent(&NoneOutstanding, NotificationEvent, FALSE);
    for (i = 0; i < OBJECTS; ++i) KeInitializeEvent(&Events[i], i & 1, FALSE);
    InitializeLocks();
    InitializeSemaphores();
    Playing = PLAYERS;
    for (i = 0; i < PLAYERS; ++i) {
        Players[i].Index = i;
        InitializeQueues(&Players[i]);
    }
    for (i = 0; i < PLAYERS; ++i) {
        if (!StartThread(Play, &Players[i], &Players[i].Thread) && !InterlockedDecrement(&Playing))
            DbgPrint("chaos: done\n");
    }
    return STATUS_SUCCESS;
}
