"""A driver whose threads are a crowd, for tests of dumps and of the debugger."""
from command_line import source

# Threads that wait for different things below functions that keep values in every register a call keeps, one that runs, and one
# that looks at its delays.
CROWD = source(globals="""typedef struct _SYNC_RESOURCES {
    FAST_MUTEX FileMutex;
    KMUTEX Mutex;
    union {
        ULONG All;
        struct {
            ULONG Low : 4;
            ULONG High : 28;
        };
    } Bits;
    enum { Red, Green = 7 } Color;
    WCHAR Wide[8];
    CHAR Narrow[6];
    LONG Numbers[3][2];
    UNICODE_STRING Name;
    LARGE_INTEGER Large;
    LONG64 Negative;
    struct _SYNC_RESOURCES *Next;
    PVOID Nothing;
    VOID (*Routine)(PVOID Context);
} SYNC_RESOURCES, *PSYNC_RESOURCES;
static VOID Sleeper(PVOID Context);
static WCHAR NameText[] = L"\\\\Device\\\\Crowd";
SYNC_RESOURCES Sync = {.Bits.All = 0x35, .Color = Green, .Wide = L"wide", .Narrow = "hello", .Numbers = {{1, 2}, {3, -4}, {5, 6}},
    .Name = {sizeof NameText - sizeof(WCHAR), sizeof NameText, NameText}, .Large.QuadPart = 0x123456789a, .Negative = -5, .Next = &Sync,
    .Routine = Sleeper};
KEVENT Stop;
static HANDLE Threads[6];
static volatile LONG Stopping;
static volatile LONG64 Rounds;
static __attribute__((noinline)) LONG64 Mix(LONG64 A, LONG64 B, LONG64 C, LONG64 D, LONG64 E, LONG64 F)
{
    KeWaitForSingleObject(&Stop, UserRequest, KernelMode, FALSE, NULL);
    return A + 3 * B + 5 * C + 7 * D + 11 * E + 13 * F;
}
static __attribute__((noinline)) LONG64 Deeper(LONG64 A, LONG64 B, LONG64 C, LONG64 D, LONG64 E)
{
    LONG64 Sum = Mix(A + B, B - C, C * D, D + 17, E ^ A, A * E);
    return Sum + A * B + C * D * E + (A ^ B) + (C | D);
}
static __attribute__((noinline)) LONG64 Deep(LONG64 A, LONG64 B)
{
    volatile LONG64 Area[40];
    for (int I = 0; I < 40; I++) Area[I] = A * I + B;
    LONG64 Sum = Deeper(Area[3], Area[5], Area[7], Area[11], Area[13]);
    return Sum + Area[A & 31] + B;
}
static __attribute__((noinline)) VOID Sleeper(PVOID Context)
{
    for (LONG64 I = 1; !Stopping; I++) Rounds += Deep(I + (LONG64)(ULONG_PTR)Context, 0x5555);
}
static VOID Keeper(PVOID Context)
{
    ExAcquireFastMutex(&Sync.FileMutex);
    Sleeper(Context);
    ExReleaseFastMutex(&Sync.FileMutex);
}
static VOID Asker(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Sync.FileMutex);
    ExReleaseFastMutex(&Sync.FileMutex);
}
static __attribute__((noinline)) VOID Spin(LONG64 Step)
{
    while (!Stopping) Rounds += Step;
}
static VOID Spinner(PVOID Context)
{
    Spin(3 + (LONG64)(ULONG_PTR)Context);
    Rounds++;
}
static VOID Ticker(PVOID Context)
{
    LARGE_INTEGER Delay;
    (void)Context;
    Delay.QuadPart = -20000;
    while (!Stopping) {
        ULONGLONG Before = KeQueryInterruptTime();
        NTSTATUS Status = KeDelayExecutionThread(KernelMode, FALSE, &Delay);
        if (Status != STATUS_SUCCESS || KeQueryInterruptTime() - Before < 20000) DbgPrint("crowd: a short delay\\n");
    }
}""", entry="""ExInitializeFastMutex(&Sync.FileMutex);
    KeInitializeMutex(&Sync.Mutex, 0);
    KeInitializeEvent(&Stop, NotificationEvent, FALSE);
    Start(Sleeper, &Threads[0]);
    Start(Keeper, &Threads[1]);
    Start(Asker, &Threads[2]);
    Start(Spinner, &Threads[3]);
    Start(Ticker, &Threads[4]);
    DbgPrint("crowd: ready\\n");""", unload="""Stopping = 1;
    KeSetEvent(&Stop, 0, FALSE);
    for (int I = 0; I < 5; I++) {
        ZwWaitForSingleObject(Threads[I], FALSE, NULL);
        ZwClose(Threads[I]);
    }
    DbgPrint("crowd: unload\\n");""")
