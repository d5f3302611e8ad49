/* Paged pool of a verified driver: what the service is named says what is done with it, in a thread of its own. Before it
   is touched at DISPATCH_LEVEL, "address=" says where. */
#include <ntifs.h>

#include "threads.h"

#define TAG 'ogaP'
#define BIG (1024 * 1024)
#define ROUNDS 200

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

static KSPIN_LOCK SpinLock;
static KDPC Dpc;
static volatile UCHAR *Block;
static volatile UCHAR Read;
static volatile LONG Writing = 1;

static VOID Show(const volatile VOID *Address) { DbgPrint("address=%p\n", Address); }

static VOID RaiseOnce(VOID)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    KeLowerIrql(before);
}

static VOID WriteRaised(PVOID Context)
{
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    Show(Block);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    *Block = 1;
    KeLowerIrql(before);
    DbgPrint("went on\n");
}
static VOID ReadRaised(PVOID Context)
{
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    Show(Block + 5);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    Read = Block[5];
    KeLowerIrql(before);
    DbgPrint("went on\n");
}
static VOID WriteUnderSpinLock(PVOID Context)
{
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    Show(Block);
    KeAcquireSpinLock(&SpinLock, &before);
    *Block = 1;
    KeReleaseSpinLock(&SpinLock, before);
    DbgPrint("went on\n");
}
static VOID ReadInDpc(PKDPC Unused, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Read = *Block;
    DbgPrint("went on\n");
}
static VOID QueueDpc(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Show(Block);
    KeInitializeDpc(&Dpc, ReadInDpc, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
}
/* The kernel reads the characters: which is its own fault, and not told of the driver. */
static VOID CompareRaised(PVOID Context)
{
    static WCHAR own[] = L"abc";
    UNICODE_STRING first = RTL_CONSTANT_STRING(own), second = first;
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    second.Buffer = (PWCH)(ULONG_PTR)Block;
    RtlCopyMemory(second.Buffer, own, sizeof own);
    Show(Block);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    Read = (UCHAR)RtlCompareUnicodeString(&first, &second, FALSE);
    KeLowerIrql(before);
    DbgPrint("went on\n");
}

/* What is right. */
static VOID TouchBelow(PVOID Context)
{
    ULONG i, sum = 0;
    UNREFERENCED_PARAMETER(Context);
    for (i = 0; i < 100; ++i) {
        *Block = (UCHAR)i;
        RaiseOnce();
        sum += *Block;
    }
    DbgPrint("sum: %lu\n", sum);
}
static VOID TouchLocked(PVOID Context)
{
    KIRQL before;
    PMDL mdl = IoAllocateMdl((PVOID)Block, BIG, FALSE, FALSE, NULL);
    UNREFERENCED_PARAMETER(Context);
    RaiseOnce();
    MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    Block[BIG - 1] = 0x11;
    *(UCHAR *)MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) = 0x22;
    KeLowerIrql(before);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
    RaiseOnce();
    DbgPrint("locked: %x %x\n", Block[0], Block[BIG - 1]);
}
static NTSTATUS OpenFile(PHANDLE File)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\DosDevices\\C:\\paged.bin");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK status;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(File, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &status, NULL,
                        FILE_ATTRIBUTE_NORMAL, 0, FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}
static VOID WriteFile(PVOID Context)
{
    IO_STATUS_BLOCK *status = ExAllocatePoolWithTag(PagedPool, sizeof *status, TAG);
    LARGE_INTEGER start = {0};
    HANDLE file;
    ULONG i, failures = 0;
    UNREFERENCED_PARAMETER(Context);
    if (!NT_SUCCESS(OpenFile(&file))) return;
    for (i = 0; i < ROUNDS; ++i) {
        Block[0] = Block[BIG - 1] = (UCHAR)i;
        RaiseOnce();
        if (ZwWriteFile(file, NULL, NULL, NULL, status, (PVOID)Block, BIG, &start, NULL) != STATUS_SUCCESS) ++failures;
        Block[0] = Block[BIG - 1] = 0xEE;
        RaiseOnce();
        if (ZwReadFile(file, NULL, NULL, NULL, status, (PVOID)Block, BIG, &start, NULL) != STATUS_SUCCESS) ++failures;
        if (status->Information != BIG || Block[0] != (UCHAR)i || Block[BIG - 1] != (UCHAR)i) ++failures;
    }
    ZwClose(file);
    ExFreePoolWithTag(status, TAG);
    Writing = 0;
    DbgPrint("failures: %lu\n", failures);
}
static VOID RaiseWhileWriting(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (Writing) RaiseOnce();
}
static VOID Hold(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Show(Block);
    RaiseOnce();
    DbgPrint("holds\n");
}

static const struct {
    PCWSTR Name;
    PKSTART_ROUTINE First, Second;
} Cases[] = {
    {L"WriteRaised", WriteRaised},
    {L"ReadRaised", ReadRaised},
    {L"WriteUnderSpinLock", WriteUnderSpinLock},
    {L"QueueDpc", QueueDpc},
    {L"CompareRaised", CompareRaised},
    {L"TouchBelow", TouchBelow},
    {L"TouchLocked", TouchLocked},
    {L"WriteFile", WriteFile},
    {L"WriteWhileRaising", WriteFile, RaiseWhileWriting},
    {L"Hold", Hold},
};

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    AwaitThreads();
    KeFlushQueuedDpcs();
    ExFreePoolWithTag((PVOID)Block, TAG);
}

static BOOLEAN EndsWith(PUNICODE_STRING Path, PCWSTR Name)
{
    SIZE_T length = wcslen(Name), all = Path->Length / sizeof(WCHAR);
    return all > length && Path->Buffer[all - length - 1] == L'\\' &&
           RtlCompareMemory(Path->Buffer + all - length, Name, length * sizeof(WCHAR)) == length * sizeof(WCHAR);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;
    DriverObject->DriverUnload = Unload;
    KeInitializeSpinLock(&SpinLock);
    Block = ExAllocatePoolWithTag(PagedPool, BIG, TAG);
    if (!Block) return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory((PVOID)Block, "held while trimmed", sizeof "held while trimmed");
    for (i = 0; i < RTL_NUMBER_OF(Cases); ++i) {
        if (!EndsWith(RegistryPath, Cases[i].Name)) continue;
        Start(Cases[i].First, 0);
        if (Cases[i].Second) Start(Cases[i].Second, 1);
    }
    return STATUS_SUCCESS;
}
