/* Its DriverEntry returns what the value Status in its service key says, success when there is none. With the value Shared,
   the address of a LIFECYCLE, it says that it has been entered and waits for the gate before. */
#include "../io/lifecycle.h"

static VOID Unload(PDRIVER_OBJECT DriverObject) { UNREFERENCED_PARAMETER(DriverObject); }

static BOOLEAN Read(HANDLE Key, PCWSTR Name, PVOID Target, ULONG Size) {
  UNICODE_STRING Value;
  ULONG Length;
  struct {
    KEY_VALUE_PARTIAL_INFORMATION Header;
    UCHAR Rest[16];
  } Information;
  RtlInitUnicodeString(&Value, Name);
  if (!NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, &Information, sizeof(Information), &Length)))
    return FALSE;
  RtlCopyMemory(Target, Information.Header.Data, Size);
  return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  OBJECT_ATTRIBUTES Attributes;
  NTSTATUS Status = STATUS_SUCCESS;
  PLIFECYCLE Shared = NULL;
  HANDLE Key;
  DriverObject->DriverUnload = Unload;
  InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  if (!NT_SUCCESS(ZwOpenKey(&Key, KEY_READ, &Attributes))) return STATUS_REGISTRY_CORRUPT;
  Read(Key, L"Status", &Status, sizeof(Status));
  if (Read(Key, L"Shared", &Shared, sizeof(Shared))) {
    KeSetEvent(&Shared->Entered, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&Shared->Gate, Executive, KernelMode, FALSE, NULL);
  }
  ZwClose(Key);
  DbgPrint("%wZ: status %08lX\n", &DriverObject->DriverExtension->ServiceKeyName, Status);
  return Status;
}
