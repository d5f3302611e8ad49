/* One mistake a service: the name under which this driver is loaded says which. Before a mistake it prints, as
   "name=address", what the bugcheck's parameters should point to. */
#include <ntifs.h>

#define TAG 'sseM'

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

static PDRIVER_OBJECT Driver;
static KMUTEX Mutex;
static FAST_MUTEX FastMutex;
static KGUARDED_MUTEX GuardedMutex;
static EX_PUSH_LOCK PushLock;
static ERESOURCE Resource;
static KSPIN_LOCK SpinLock;
static KEVENT Held, Never;
static KTIMER Timer;
static KDPC Dpc;
static WORK_QUEUE_ITEM Item;
static volatile int AlwaysZero;
static VOID *volatile Wild;

static VOID Show(PCSTR Name, const volatile VOID *Address) { DbgPrint("%s=%p\n", Name, Address); }
static VOID ShowThread(VOID) { Show("thread", KeGetCurrentThread()); }

static PKTHREAD StartThread(PKSTART_ROUTINE Routine)
{
    HANDLE handle;
    PVOID thread = NULL;
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL))) return NULL;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    return thread;
}

static VOID WaitFor(PVOID Object) { KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL); }

/* Threads that end with something held. */
static VOID ExitWithMutex(PVOID Context) { WaitFor(&Mutex); }
static VOID ExitInCriticalRegion(PVOID Context) { KeEnterCriticalRegion(); }
static VOID ExitInGuardedRegion(PVOID Context) { KeEnterGuardedRegion(); }
static VOID ExitAfterUnmatchedLeave(PVOID Context) { KeLeaveCriticalRegion(); }
static VOID ExitWithFastMutex(PVOID Context) { ExAcquireFastMutex(&FastMutex); }
static VOID ExitWithGuardedMutex(PVOID Context) { KeAcquireGuardedMutex(&GuardedMutex); }
static VOID ExitWithCompensatedMutex(PVOID Context)
{
    ShowThread();
    Show("mutex", &Mutex);
    WaitFor(&Mutex);
    KeLeaveCriticalRegion();
}
static VOID ExitWithPushLock(PVOID Context)
{
    ShowThread();
    Show("lock", &PushLock);
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&PushLock);
    KeLeaveCriticalRegion();
}
static VOID ExitWithResource(PVOID Context)
{
    ShowThread();
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeLeaveCriticalRegion();
}

/* Work items that leave something behind. */
static VOID KeepMutex(PVOID Context) { WaitFor(&Mutex); }
static VOID KeepRegion(PVOID Context) { KeEnterCriticalRegion(); }
static VOID KeepIrql(PVOID Context)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
}
static VOID QueueItem(PWORKER_THREAD_ROUTINE Routine)
{
    Show("routine", (PVOID)(ULONG_PTR)Routine);
    Show("item", &Item);
    ExInitializeWorkItem(&Item, Routine, &Item);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
}

/* Locks that are not the caller's. */
static VOID HoldMutex(PVOID Context)
{
    WaitFor(&Mutex);
    KeSetEvent(&Held, IO_NO_INCREMENT, FALSE);
    WaitFor(&Never);
}
static VOID HoldPushLock(PVOID Context)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&PushLock);
    KeSetEvent(&Held, IO_NO_INCREMENT, FALSE);
    WaitFor(&Never);
}
static VOID ReleaseOthersMutex(PVOID Context)
{
    StartThread(HoldMutex);
    WaitFor(&Held);
    KeReleaseMutex(&Mutex, FALSE);
}
static VOID ReleaseOthersPushLock(PVOID Context)
{
    ShowThread();
    Show("lock", &PushLock);
    StartThread(HoldPushLock);
    WaitFor(&Held);
    KeEnterCriticalRegion();
    ExReleasePushLockExclusive(&PushLock);
}
static VOID ReleaseUnownedResource(PVOID Context)
{
    ShowThread();
    Show("lock", &Resource);
    KeEnterCriticalRegion();
    ExReleaseResourceLite(&Resource);
}
static VOID ReleaseUnownedSpinLock(PVOID Context)
{
    Show("lock", &SpinLock);
    KeReleaseSpinLock(&SpinLock, PASSIVE_LEVEL);
}

/* What the IRQL forbids. */
static VOID CreateFile(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\DosDevices\\C:\\misuse.txt");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK status;
    HANDLE file;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwCreateFile(&file, GENERIC_WRITE, &attributes, &status, NULL, FILE_ATTRIBUTE_NORMAL, 0,
                                FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0)))
        ZwClose(file);
}
static VOID CreateFileAtDispatch(PVOID Context)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    CreateFile();
}
static VOID CreateFileUnderFastMutexAtDispatch(PVOID Context)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    ExAcquireFastMutex(&FastMutex);
    CreateFile();
}
static VOID CreateFileUnderFastMutex(PVOID Context)
{
    ExAcquireFastMutex(&FastMutex);
    CreateFile();
    ExReleaseFastMutex(&FastMutex);
}
static VOID TouchAtDispatch(PVOID Context)
{
    KIRQL before;
    volatile UCHAR *page = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG);
    ExFreePoolWithTag((PVOID)page, TAG);
    Show("address", page);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    *page = 1;
}
static VOID WaitInDpc(PKDPC Unused, PVOID Context, PVOID First, PVOID Second)
{
    ShowThread();
    WaitFor(&Never);
}
static VOID QueueDpc(PKDEFERRED_ROUTINE Routine)
{
    Show("object", &Never);
    KeInitializeDpc(&Dpc, Routine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
}
static VOID LowerToRaise(PVOID Context)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    KeRaiseIrql(APC_LEVEL, &before);
}
static VOID WaitForTooMany(PVOID Context)
{
    static PVOID objects[MAXIMUM_WAIT_OBJECTS];
    int i;
    for (i = 0; i < MAXIMUM_WAIT_OBJECTS; ++i) objects[i] = &Never;
    KeWaitForMultipleObjects(THREAD_WAIT_OBJECTS + 1, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}
static VOID WaitForNoObject(PVOID Context)
{
    static KEVENT none;
    none.Header.Type = 0x77;
    Show("object", &none);
    WaitFor(&none);
}

/* References that are not the caller's. */
static VOID WaitForNever(PVOID Context) { WaitFor(&Never); }
static VOID DereferenceRunningThread(PVOID Context)
{
    PKTHREAD thread = StartThread(WaitForNever);
    Show("object", thread);
    ObDereferenceObject(thread);
    ObDereferenceObject(thread);
}
static VOID DereferenceBehindHandle(PVOID Context)
{
    HANDLE handle;
    PVOID event = NULL;
    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(handle, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &event, NULL);
    Show("object", event);
    ObDereferenceObject(event);
    ObDereferenceObject(event);
}

/* Pool. */
static VOID FreeTwice(PVOID Context)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
    Show("block", block);
    ExFreePoolWithTag(block, TAG);
    ExFreePoolWithTag(block, TAG);
}
static VOID FreeLargeTwice(PVOID Context)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TAG);
    Show("block", block);
    ExFreePoolWithTag(block, TAG);
    ExFreePoolWithTag(block, TAG);
}
static VOID FreeWithAnotherTag(PVOID Context)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
    Show("block", block);
    ExFreePoolWithTag(block, 'rehO');
}
static VOID FreeNoBlock(PVOID Context)
{
    Show("block", &Resource);
    ExFreePoolWithTag(&Resource, TAG);
}
static VOID Overrun(PVOID Context)
{
    UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 96, TAG);
    Show("block", block);
    RtlFillMemory(block, 96 + 40, 0x41);
    ExFreePoolWithTag(block, TAG);
}
static VOID OverrunByOne(PVOID Context)
{
    UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 90, TAG);
    Show("block", block);
    RtlFillMemory(block, 91, 0x41);
    ExFreePoolWithTag(block, TAG);
}
static VOID UseAfterFree(PVOID Context)
{
    volatile UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TAG);
    ExFreePoolWithTag((PVOID)block, TAG);
    Show("address", block + 8);
    Wild = (PVOID)(ULONG_PTR)block[8];
}
static VOID UseSmallAfterFree(PVOID Context)
{
    volatile UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 64, TAG);
    ExFreePoolWithTag((PVOID)block, TAG);
    Show("address", block + 8);
    block[8] = 1;
}
static VOID Leak(VOID) { Wild = ExAllocatePoolWithTag(NonPagedPool, 100, TAG); }
static VOID AllocateNothing(PVOID Context) { Wild = ExAllocatePoolWithTag(NonPagedPool, AlwaysZero, TAG); }

/* Traps. */
static VOID ReadNull(PVOID Context) { Wild = *(PVOID volatile *)(ULONG_PTR)(AlwaysZero + 0x10); }
static VOID ReadNoncanonical(PVOID Context) { Wild = *(PVOID volatile *)((ULONG_PTR)AlwaysZero + 0x4141414141414141); }
static VOID ReadUpperHalf(PVOID Context) { Wild = *(PVOID volatile *)((ULONG_PTR)AlwaysZero + 0xFFFF800000001000); }
static VOID Divide(PVOID Context) { Wild = (PVOID)(ULONG_PTR)(7 / *(volatile int *)&AlwaysZero); }
static VOID Illegal(PVOID Context) { __asm__ volatile("ud2"); }
static VOID Breakpoint(PVOID Context) { __asm__ volatile("int3"); }
static int Recurse(volatile int *Depth)
{
    volatile int deeper[64];
    deeper[0] = *Depth + 1;
    return Recurse(deeper) + deeper[0];
}
static VOID OverflowStack(PVOID Context)
{
    volatile int depth = 0;
    Wild = (PVOID)(ULONG_PTR)Recurse(&depth);
}
static VOID WriteCode(PVOID Context)
{
    Show("address", (PVOID)(ULONG_PTR)WriteCode);
    *(volatile UCHAR *)(ULONG_PTR)WriteCode = 0xC3;
}
static VOID CallData(PVOID Context)
{
    Show("address", &Never);
    ((VOID (*)(VOID))(ULONG_PTR)&Never)();
}
static VOID CallNull(PVOID Context) { ((VOID (*)(VOID))(ULONG_PTR)AlwaysZero)(); }
static VOID CorruptList(PVOID Context)
{
    LIST_ENTRY head, entry;
    InitializeListHead(&head);
    InsertTailList(&head, &entry);
    RemoveEntryList(&entry);
    entry.Flink = &entry;
    entry.Blink = &head;
    RemoveEntryList(&entry);
}
static VOID FailFast(PVOID Context) { RtlFailFast(FAST_FAIL_INVALID_ARG); }
static VOID Raise(PVOID Context) { ExRaiseStatus(STATUS_IN_PAGE_ERROR); }
static VOID Stop(PVOID Context) { KeBugCheckEx(0xE2, 1, 2, 3, 4); }
static VOID CallBackForEver(PVOID Buffer, ULONG Length)
{
    while (!AlwaysZero) YieldProcessor();
}
static VOID CallBack(PVOID Buffer, ULONG Length) {}
static VOID StopAfter(PKBUGCHECK_CALLBACK_ROUTINE Routine, PVOID Component)
{
    static KBUGCHECK_CALLBACK_RECORD record;
    KeInitializeCallbackRecord(&record);
    KeRegisterBugCheckCallback(&record, Routine, NULL, 0, Component);
    Stop(NULL);
}
static VOID StopWithCallback(PVOID Context) { StopAfter(CallBackForEver, "misuse"); }
static VOID StopWithBadComponent(PVOID Context) { StopAfter(CallBack, (PVOID)(ULONG_PTR)(AlwaysZero + 0x10)); }

/* Of a driver that is gone. */
static VOID WaitLong(PVOID Context)
{
    LARGE_INTEGER timeout;
    timeout.QuadPart = -10000000; /* a second, from DriverUnload on */
    WaitFor(&Held);
    KeDelayExecutionThread(KernelMode, FALSE, &timeout);
}
static VOID RunDpc(PKDPC Unused, PVOID Context, PVOID First, PVOID Second) { Wild = Context; }
static VOID SetTimer(VOID)
{
    LARGE_INTEGER due;
    due.QuadPart = -10000000;
    Show("timer", &Timer);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, RunDpc, NULL);
    KeSetTimer(&Timer, due, &Dpc);
}

/* For the verifier. */
static VOID CloseTwice(PVOID Context)
{
    HANDLE event;
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    Show("handle", event);
    ZwClose(event);
    ZwClose(event);
}
static VOID Recursive(PVOID Context)
{
    Show("lock", &FastMutex);
    ExAcquireFastMutex(&FastMutex);
    ExAcquireFastMutex(&FastMutex);
}
static VOID Leave(PVOID Context) { KeLeaveCriticalRegion(); }
static VOID PushLockWithApcs(PVOID Context)
{
    Show("lock", &PushLock);
    ExAcquirePushLockExclusive(&PushLock);
    ExReleasePushLockExclusive(&PushLock);
}
static VOID Invert(PVOID Context)
{
    WaitFor(&Mutex);
    ExAcquireFastMutex(&FastMutex);
    ExReleaseFastMutex(&FastMutex);
    KeReleaseMutex(&Mutex, FALSE);
    ExAcquireFastMutex(&FastMutex);
    WaitFor(&Mutex);
}
static VOID WaitAtDispatch(PVOID Context)
{
    KIRQL before;
    Show("object", &Never);
    ShowThread();
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    WaitFor(&Never);
}

static const struct {
    PCWSTR Name;
    PKSTART_ROUTINE Thread; /* in a system thread of its own, or */
    PWORKER_THREAD_ROUTINE Work; /* in a work item, or */
    PKDEFERRED_ROUTINE Dpc;
} Cases[] = {
    {L"ExitWithMutex", ExitWithMutex},
    {L"ExitInCriticalRegion", ExitInCriticalRegion},
    {L"ExitInGuardedRegion", ExitInGuardedRegion},
    {L"ExitAfterUnmatchedLeave", ExitAfterUnmatchedLeave},
    {L"ExitWithFastMutex", ExitWithFastMutex},
    {L"ExitWithGuardedMutex", ExitWithGuardedMutex},
    {L"ExitWithCompensatedMutex", ExitWithCompensatedMutex},
    {L"ExitWithPushLock", ExitWithPushLock},
    {L"ExitWithResource", ExitWithResource},
    {L"WorkKeepsMutex", NULL, KeepMutex},
    {L"WorkKeepsRegion", NULL, KeepRegion},
    {L"WorkKeepsIrql", NULL, KeepIrql},
    {L"ReleaseOthersMutex", ReleaseOthersMutex},
    {L"ReleaseOthersPushLock", ReleaseOthersPushLock},
    {L"ReleaseUnownedResource", ReleaseUnownedResource},
    {L"ReleaseUnownedSpinLock", ReleaseUnownedSpinLock},
    {L"CreateFileAtDispatch", CreateFileAtDispatch},
    {L"CreateFileUnderFastMutexAtDispatch", CreateFileUnderFastMutexAtDispatch},
    {L"CreateFileUnderFastMutex", CreateFileUnderFastMutex},
    {L"TouchAtDispatch", TouchAtDispatch},
    {L"WaitInDpc", NULL, NULL, WaitInDpc},
    {L"WaitAtDispatch", WaitAtDispatch},
    {L"LowerToRaise", LowerToRaise},
    {L"WaitForTooMany", WaitForTooMany},
    {L"WaitForNoObject", WaitForNoObject},
    {L"DereferenceRunningThread", DereferenceRunningThread},
    {L"DereferenceBehindHandle", DereferenceBehindHandle},
    {L"FreeTwice", FreeTwice},
    {L"FreeLargeTwice", FreeLargeTwice},
    {L"FreeWithAnotherTag", FreeWithAnotherTag},
    {L"FreeNoBlock", FreeNoBlock},
    {L"Overrun", Overrun},
    {L"OverrunByOne", OverrunByOne},
    {L"UseAfterFree", UseAfterFree},
    {L"UseSmallAfterFree", UseSmallAfterFree},
    {L"AllocateNothing", AllocateNothing},
    {L"ReadNull", ReadNull},
    {L"ReadNoncanonical", ReadNoncanonical},
    {L"ReadUpperHalf", ReadUpperHalf},
    {L"Divide", Divide},
    {L"Illegal", Illegal},
    {L"Breakpoint", Breakpoint},
    {L"OverflowStack", OverflowStack},
    {L"WriteCode", WriteCode},
    {L"CallData", CallData},
    {L"CallNull", CallNull},
    {L"CorruptList", CorruptList},
    {L"FailFast", FailFast},
    {L"Raise", Raise},
    {L"Stop", Stop},
    {L"StopWithCallback", StopWithCallback},
    {L"StopWithBadComponent", StopWithBadComponent},
    {L"WaitLong", WaitLong},
    {L"CloseTwice", CloseTwice},
    {L"Recursive", Recursive},
    {L"Leave", Leave},
    {L"PushLockWithApcs", PushLockWithApcs},
    {L"Invert", Invert},
};

/* For a request from outside the kernel. */
static NTSTATUS Serve(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    UNREFERENCED_PARAMETER(Device);
    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        DbgPrint("a system thread: %d\n", PsIsSystemThread(PsGetCurrentThread()));
        if (location->Parameters.DeviceIoControl.IoControlCode == 0x222000) ReadNull(NULL);
        if (location->Parameters.DeviceIoControl.IoControlCode == 0x222004) Raise(NULL);
    }
    if (location->MajorFunction == IRP_MJ_READ) ReadNull(NULL);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
static VOID MakeDevice(VOID)
{
    static UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Misuse");
    static UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Misuse");
    PDEVICE_OBJECT device;
    Driver->MajorFunction[IRP_MJ_CREATE] = Serve;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Serve;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Serve;
    Driver->MajorFunction[IRP_MJ_READ] = Serve;
    IoCreateDevice(Driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    IoCreateSymbolicLink(&link, &name);
}

static BOOLEAN SetsTimer;

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    KeSetEvent(&Held, IO_NO_INCREMENT, FALSE);
    if (SetsTimer) SetTimer();
    DbgPrint("unloaded\n");
}

static PCWSTR LastPart(PUNICODE_STRING Path)
{
    static WCHAR name[64];
    USHORT length = Path->Length / sizeof(WCHAR), start = length, i;
    while (start > 0 && Path->Buffer[start - 1] != L'\\') --start;
    for (i = 0; start + i < length && i < 63; ++i) name[i] = Path->Buffer[start + i];
    return name;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PCWSTR name = LastPart(RegistryPath);
    ULONG i;
    Driver = DriverObject;
    DriverObject->DriverUnload = Unload;
    KeInitializeMutex(&Mutex, 0);
    ExInitializeFastMutex(&FastMutex);
    KeInitializeGuardedMutex(&GuardedMutex);
    ExInitializePushLock(&PushLock);
    ExInitializeResourceLite(&Resource);
    KeInitializeSpinLock(&SpinLock);
    KeInitializeEvent(&Held, NotificationEvent, FALSE);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Show("routine", (PVOID)(ULONG_PTR)DriverEntry);
    if (!wcscmp(name, L"EntryKeepsMutex")) WaitFor(&Mutex);
    if (!wcscmp(name, L"EntryReadsNull")) ReadNull(NULL);
    if (!wcscmp(name, L"Leak")) Leak();
    if (!wcscmp(name, L"Serve")) MakeDevice();
    SetsTimer = !wcscmp(name, L"SetTimer");
    for (i = 0; i < RTL_NUMBER_OF(Cases); ++i) {
        if (wcscmp(name, Cases[i].Name)) continue;
        if (Cases[i].Thread) StartThread(Cases[i].Thread);
        if (Cases[i].Work) QueueItem(Cases[i].Work);
        if (Cases[i].Dpc) QueueDpc(Cases[i].Dpc);
    }
    return STATUS_SUCCESS;
}
