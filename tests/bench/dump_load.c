/* What a dump has to cope with: 200 MB of touched pool, 100 threads that wait, and one that looks how late its 1 ms delays are. */
#include <ntifs.h>

#define POOL_BLOCKS 200
#define BLOCK_BYTES (1024 * 1024)
#define THREADS 100
#define TOLD_100NS 50000

DRIVER_INITIALIZE DriverEntry;

static PVOID Blocks[POOL_BLOCKS];
static PVOID Waiters[THREADS], Ticker;
static KEVENT Stop;
static volatile LONG Stopping;

static VOID Wait(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);
}

static VOID Tick(PVOID Context)
{
    LARGE_INTEGER Delay;
    ULONGLONG Last = KeQueryInterruptTime();
    UNREFERENCED_PARAMETER(Context);
    Delay.QuadPart = -10000;
    while (!Stopping) {
        ULONGLONG Now;
        KeDelayExecutionThread(KernelMode, FALSE, &Delay);
        Now = KeQueryInterruptTime();
        if (Now - Last > TOLD_100NS) DbgPrint("gap %I64u us\n", (Now - Last) / 10);
        Last = Now;
    }
}

static PVOID Start(PKSTART_ROUTINE Routine)
{
    HANDLE Handle;
    PVOID Thread = NULL;
    if (!NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL))) return NULL;
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    return Thread;
}

static VOID Join(PVOID Thread)
{
    if (!Thread) return;
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    ULONG I;
    UNREFERENCED_PARAMETER(DriverObject);
    Stopping = 1;
    KeSetEvent(&Stop, 0, FALSE);
    for (I = 0; I < THREADS; I++) Join(Waiters[I]);
    Join(Ticker);
    for (I = 0; I < POOL_BLOCKS; I++) {
        if (Blocks[I]) ExFreePoolWithTag(Blocks[I], 'daoL');
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG I, At;
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    KeInitializeEvent(&Stop, NotificationEvent, FALSE);
    for (I = 0; I < POOL_BLOCKS; I++) {
        Blocks[I] = ExAllocatePool2(POOL_FLAG_NON_PAGED, BLOCK_BYTES, 'daoL');
        if (!Blocks[I]) continue;
        for (At = 0; At < BLOCK_BYTES; At += 8) *(ULONG64 *)((PUCHAR)Blocks[I] + At) = At + I + 1;
    }
    for (I = 0; I < THREADS; I++) Waiters[I] = Start(Wait);
    Ticker = Start(Tick);
    DbgPrint("loaded\n");
    return STATUS_SUCCESS;
}
