/* What driver sources do with the headers; compiled without warnings as C and as C++, never run. */
#include <Ntifs.h>
#include <NtStrSafe.h>

DEFINE_GUID(GUID_DECLARED_ONLY, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);

NTEMU_ASSERT_LAYOUT('mvTg' == 0x6d765467);
NTEMU_ASSERT_LAYOUT(sizeof(L"ab") == 6);

static __forceinline __int64 __cdecl Widen(__int32 value) { return value; }

_Function_class_(KSTART_ROUTINE) static NTSTATUS ReturnsStatus(_In_opt_ PVOID context) {
  UNREFERENCED_PARAMETER(context);
  return STATUS_SUCCESS;
}

static KSTART_ROUTINE ReturnsNothing;
_Use_decl_annotations_ static VOID ReturnsNothing(PVOID context) {
  PAGED_CODE();
  UNREFERENCED_PARAMETER(context);
}

_IRQL_requires_max_(APC_LEVEL) _Must_inspect_result_ static NTSTATUS Allocate(_Outptr_ PFILE_RENAME_INFORMATION *result) {
  FILE_RENAME_INFORMATION *info = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*info), 'mvTg');
  if (!info) return STATUS_INSUFFICIENT_RESOURCES;
  ExFreePool(info);
  info = (FILE_RENAME_INFORMATION *)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*info), 'mvTg');
  if (info == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  *result = info;
  return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static VOID Unload(PDRIVER_OBJECT driver) { IoDeleteDevice(driver->DeviceObject); }

NTSTATUS DriverEntry(IN PDRIVER_OBJECT driver, IN PUNICODE_STRING path) {
  HANDLE thread;
  KIRQL irql;
  KMUTEX mutex;
  LARGE_INTEGER wait;
  EX_PUSH_LOCK lock;
  PFILE_RENAME_INFORMATION info = NULL;
  NTSTATUS status = Allocate(&info);
  UNREFERENCED_PARAMETER(path);
  if (!NT_SUCCESS(status)) return status;
  ExFreePoolWithTag(info, 'mvTg');
  driver->DriverUnload = Unload;
  PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, ReturnsStatus, NULL);
  PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, (HANDLE)0, (PCLIENT_ID)0, ReturnsNothing, &wait);
  KeInitializeMutex(&mutex, 0);
  wait.QuadPart = Widen(-10000);
  KeWaitForMutexObject(&mutex, Executive, KernelMode, FALSE, &wait);
  KeRaiseIrql(DISPATCH_LEVEL, &irql);
  KeLowerIrql(irql);
  ExInitializePushLock(&lock);
  KeEnterCriticalRegion();
  ExAcquirePushLockShared(&lock);
  if (ExTryConvertPushLockSharedToExclusive(&lock)) ExReleasePushLockExclusive(&lock);
  KeLeaveCriticalRegion();
  KdPrint(("status %x\n", status));
  ASSERT(status == STATUS_SUCCESS);
  NT_ASSERT(IsListEmpty(&driver->DeviceObject->DeviceQueue.DeviceListHead));
  return status;
}
