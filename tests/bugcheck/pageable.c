/* Code in pageable sections: what the service is named says what is done with it. */
#include <ntddk.h>

#include "threads.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static KSTART_ROUTINE CallAtDispatch, RaiseInPageable, CallBelowDispatch, RaiseAgainAndAgain;
static VOID Pageable(volatile LONG *Count);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, Pageable)
#pragma alloc_text(PAGE, Unload, RaiseInPageable)
#endif

static KSPIN_LOCK SpinLock;
static volatile LONG Calls, Raises;

static VOID Pageable(volatile LONG *Count)
{
    InterlockedIncrement(Count);
}

static VOID CallAtDispatch(PVOID Context)
{
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    Pageable(&Calls);
    KeLowerIrql(before);
    DbgPrint("went on\n");
}

/* The lock is taken by code that is itself pageable: what follows it runs at DISPATCH_LEVEL. */
static VOID RaiseInPageable(PVOID Context)
{
    KIRQL before;
    UNREFERENCED_PARAMETER(Context);
    KeAcquireSpinLock(&SpinLock, &before);
    Raises++;
    KeReleaseSpinLock(&SpinLock, before);
    DbgPrint("went on\n");
}

/* Two threads, each of which is right: what one trims the other gets back. */
static VOID CallBelowDispatch(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (Calls < 20000 || Raises < 2000) Pageable(&Calls);
}
static VOID RaiseAgainAndAgain(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (Raises < 2000) {
        KIRQL before;
        KeAcquireSpinLock(&SpinLock, &before);
        Raises++;
        KeReleaseSpinLock(&SpinLock, before);
        Pageable(&Calls);
    }
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    PAGED_CODE();
    AwaitThreads();
    DbgPrint("calls: %s\n", Calls >= 20000 ? "enough" : "few");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WCHAR last = RegistryPath->Buffer[RegistryPath->Length / sizeof(WCHAR) - 1];
    DriverObject->DriverUnload = Unload;
    KeInitializeSpinLock(&SpinLock);
    if (last == L'1') Start(CallAtDispatch, 0);
    if (last == L'2') Start(RaiseInPageable, 0);
    if (last == L'3') {
        Start(CallBelowDispatch, 0);
        Start(RaiseAgainAndAgain, 1);
    }
    return STATUS_SUCCESS;
}
