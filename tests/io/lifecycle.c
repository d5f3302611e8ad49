/* What the tests of loading and unloading load: the service's name says how it behaves, the value Shared in its key is the
   address of memory that it shares with the test. */
#include "lifecycle.h"

static PLIFECYCLE Shared;
static HANDLE Thread;
static PVOID ThreadObject;
static KEVENT Stop;
static PDEVICE_OBJECT Device;
static PVOID Pool;

static PLIFECYCLE FindShared(PUNICODE_STRING RegistryPath) {
  OBJECT_ATTRIBUTES Attributes;
  UNICODE_STRING Value = RTL_CONSTANT_STRING(L"Shared");
  HANDLE Key;
  PLIFECYCLE Found = NULL;
  ULONG Length;
  struct {
    KEY_VALUE_PARTIAL_INFORMATION Header;
    UCHAR Rest[16];
  } Information;
  InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  if (!NT_SUCCESS(ZwOpenKey(&Key, KEY_READ, &Attributes))) return NULL;
  if (NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, &Information, sizeof(Information), &Length)))
    RtlCopyMemory(&Found, Information.Header.Data, sizeof(Found));
  ZwClose(Key);
  return Found;
}

static BOOLEAN Is(PDRIVER_OBJECT DriverObject, PCWSTR Prefix) {
  UNICODE_STRING String;
  RtlInitUnicodeString(&String, Prefix);
  return RtlPrefixUnicodeString(&String, &DriverObject->DriverExtension->ServiceKeyName, TRUE);
}

static VOID Run(PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);
}

static VOID RunUntilShared(PVOID Context) {
  PLIFECYCLE All = Context;
  KeWaitForSingleObject(&All->ThreadGate, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS StartThread(PKSTART_ROUTINE Routine, PVOID Context) {
  NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context);
  if (!NT_SUCCESS(Status)) return Status;
  Status = ObReferenceObjectByHandle(Thread, THREAD_ALL_ACCESS, NULL, KernelMode, &ThreadObject, NULL);
  ZwClose(Thread);
  return Status;
}

static NTSTATUS Complete(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  Irp->IoStatus.Status = STATUS_SUCCESS;
  Irp->IoStatus.Information = 0;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT DriverObject) {
  UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Lifecycle");
  if (Shared) {
    InterlockedIncrement(&Shared->Unloads);
    KeSetEvent(&Shared->Unloading, IO_NO_INCREMENT, FALSE);
    if (Is(DriverObject, L"SlowUnload")) KeWaitForSingleObject(&Shared->Gate, Executive, KernelMode, FALSE, NULL);
  }
  if (!Is(DriverObject, L"LeaveThread") && ThreadObject) {
    KeSetEvent(&Stop, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(ThreadObject, Executive, KernelMode, FALSE, NULL);
  }
  if (ThreadObject) ObDereferenceObject(ThreadObject);
  if (Pool) ExFreePoolWithTag(Pool, 'efiL');
  if (Is(DriverObject, L"Cycle")) IoDeleteSymbolicLink(&Link);
  if (Device && !Is(DriverObject, L"LeaveDevice")) IoDeleteDevice(Device);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Lifecycle");
  UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Lifecycle");
  NTSTATUS Status = STATUS_SUCCESS;
  Shared = FindShared(RegistryPath);
  KeInitializeEvent(&Stop, NotificationEvent, FALSE);
  if (Shared) {
    InterlockedIncrement(&Shared->Entries);
    KeSetEvent(&Shared->Entered, IO_NO_INCREMENT, FALSE);
  }
  if (!Is(DriverObject, L"NoUnload")) DriverObject->DriverUnload = Unload;
  DriverObject->MajorFunction[IRP_MJ_CREATE] = Complete;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Complete;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = Complete;
  if (Is(DriverObject, L"Slow") && !Is(DriverObject, L"SlowUnload"))
    KeWaitForSingleObject(&Shared->Gate, Executive, KernelMode, FALSE, NULL);
  if (Is(DriverObject, L"LeaveThread")) return StartThread(RunUntilShared, Shared);
  if (Is(DriverObject, L"Fail") || Is(DriverObject, L"Cycle") || Is(DriverObject, L"LeaveDevice") ||
      Is(DriverObject, L"Device"))
    Status = IoCreateDevice(DriverObject, 64, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  if (Is(DriverObject, L"Fail")) return STATUS_DEVICE_NOT_CONNECTED;
  if (Is(DriverObject, L"Cycle")) {
    Pool = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100000, 'efiL');
    Status = Pool ? IoCreateSymbolicLink(&Link, &DeviceName) : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(Status)) Status = StartThread(Run, NULL);
  }
  return Status;
}
