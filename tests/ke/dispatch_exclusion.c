/* Code that relies on IRQL alone: at DISPATCH_LEVEL, neither a DPC nor another thread runs on the processor.
 *
 * First, one counter, which a DPC and a thread change on one processor. Then a counter for each processor, which several
 * threads and DPCs change on whichever processor they run. No change is atomic, yet none may be lost. */
#include <ntifs.h>

#ifndef ROUNDS
#define ROUNDS 20000
#endif

#define THREADS 4
#define MOST_PROCESSORS 32
#define MOST_AHEAD 1000 /* how far one side may be ahead of the other, so that they stay in each other's way */

typedef struct DECLSPEC_CACHEALIGN _COUNTER {
    volatile LONG Value;
    volatile LONG Busy;
    volatile LONG Overlaps; /* somebody else was in the middle of a change */
} COUNTER, *PCOUNTER;

static ULONG Processors;
static COUNTER Shared;
static volatile LONG Raised;
static volatile LONG Ran;
static KDPC SharedDpc;

static COUNTER PerProcessor[MOST_PROCESSORS];
static KDPC Dpcs[MOST_PROCESSORS];
static volatile LONG Queued;
static volatile LONG Misplaced;

static PVOID Coordinator;

static KSTART_ROUTINE RaiserThread;
static KSTART_ROUTINE FeederThread;
static KSTART_ROUTINE PerProcessorThread;
static KSTART_ROUTINE CoordinatorThread;
static KDEFERRED_ROUTINE SharedRoutine;
static KDEFERRED_ROUTINE PerProcessorRoutine;
static DRIVER_UNLOAD ExclusionUnload;
DRIVER_INITIALIZE DriverEntry;

/* Takes a while between reading and writing. IRQL: DISPATCH_LEVEL. */
static VOID Count(PCOUNTER Counter)
{
    LONG Seen = Counter->Value;

    if (Counter->Busy) {
        Counter->Overlaps++;
    }
    Counter->Busy = TRUE;
    for (ULONG Pause = 0; Pause < 8; Pause++) {
        YieldProcessor();
    }
    Counter->Busy = FALSE;
    Counter->Value = Seen + 1;
}

static VOID RaiserThread(PVOID Context)
{
    KAFFINITY Affinity = KeSetSystemAffinityThreadEx(1);

    UNREFERENCED_PARAMETER(Context);
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        KIRQL OldIrql;

        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        Count(&Shared);
        KeLowerIrql(OldIrql);
        Raised++;
        while (Raised - Ran > MOST_AHEAD) {
            YieldProcessor();
        }
    }
    KeRevertToUserAffinityThreadEx(Affinity);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID SharedRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Count(&Shared);
    Ran++;
}

/* Queues the DPC from another processor, if there is one. */
static VOID FeederThread(PVOID Context)
{
    KAFFINITY Affinity = KeSetSystemAffinityThreadEx((KAFFINITY)1 << (Processors - 1));

    UNREFERENCED_PARAMETER(Context);
    for (ULONG Fed = 0; Fed < ROUNDS;) {
        if (Ran - Raised <= MOST_AHEAD && KeInsertQueueDpc(&SharedDpc, NULL, NULL)) {
            Fed++;
        } else {
            YieldProcessor();
        }
    }
    KeRevertToUserAffinityThreadEx(Affinity);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID PerProcessorRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG Processor = KeGetCurrentProcessorNumberEx(NULL);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Processor != (ULONG)(ULONG_PTR)Context) {
        InterlockedIncrement(&Misplaced);
    }
    Count(&PerProcessor[Processor]);
}

static VOID QueueTo(ULONG Processor)
{
    if (KeInsertQueueDpc(&Dpcs[Processor], NULL, NULL)) {
        InterlockedIncrement(&Queued);
    }
}

static VOID PerProcessorThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        KIRQL OldIrql;

        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        Count(&PerProcessor[KeGetCurrentProcessorNumberEx(NULL)]);
        if (Round % 2 == 0) {
            QueueTo(Round / 2 % Processors);
        }
        KeLowerIrql(OldIrql);
        if (Round % 2 == 1) {
            QueueTo(Round / 2 % Processors);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PVOID StartThread(PKSTART_ROUTINE Routine)
{
    HANDLE Handle;
    PVOID Thread = NULL;

    if (NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL))) {
        ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &Thread, NULL);
        ZwClose(Handle);
    }
    return Thread;
}

static VOID AwaitThread(PVOID Thread)
{
    if (Thread != NULL) {
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Thread);
    }
}

static VOID CoordinatorThread(PVOID Context)
{
    PVOID Threads[THREADS];
    LONG Counted = 0;
    LONG Overlaps = 0;

    UNREFERENCED_PARAMETER(Context);
    Threads[0] = StartThread(RaiserThread);
    Threads[1] = StartThread(FeederThread);
    AwaitThread(Threads[0]);
    AwaitThread(Threads[1]);
    KeFlushQueuedDpcs();
    DbgPrint("one processor: counted %d, raised %d, ran %d, overlaps %d\n", Shared.Value, Raised, Ran, Shared.Overlaps);

    for (ULONG Index = 0; Index < THREADS; Index++) {
        Threads[Index] = StartThread(PerProcessorThread);
    }
    for (ULONG Index = 0; Index < THREADS; Index++) {
        AwaitThread(Threads[Index]);
    }
    KeFlushQueuedDpcs();
    for (ULONG Processor = 0; Processor < Processors; Processor++) {
        Counted += PerProcessor[Processor].Value;
        Overlaps += PerProcessor[Processor].Overlaps;
    }
    DbgPrint("%u processors: counted %d, raised %d, queued %d, overlaps %d, misplaced %d\n", Processors, Counted,
             THREADS * ROUNDS, Queued, Overlaps, Misplaced);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID ExclusionUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    AwaitThread(Coordinator);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = ExclusionUnload;
    Processors = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    if (Processors > MOST_PROCESSORS) {
        return STATUS_NOT_SUPPORTED;
    }
    KeInitializeDpc(&SharedDpc, SharedRoutine, NULL);
    KeSetTargetProcessorDpc(&SharedDpc, 0);
    for (ULONG Processor = 0; Processor < Processors; Processor++) {
        KeInitializeDpc(&Dpcs[Processor], PerProcessorRoutine, (PVOID)(ULONG_PTR)Processor);
        KeSetTargetProcessorDpc(&Dpcs[Processor], (CCHAR)Processor);
    }
    Coordinator = StartThread(CoordinatorThread);
    return Coordinator != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
