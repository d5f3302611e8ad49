/* What the loader's tests load: state that shows whether a load started afresh. */
#include <ntddk.h>

#ifndef START
#define START 41
#endif

LONG Counter = START;
static KMUTEX Mutex;

__attribute__((noinline)) LONG CountOneMore(void) {
  KeReleaseMutex(&Mutex, FALSE);
  return ++Counter;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(DriverObject);
  UNREFERENCED_PARAMETER(RegistryPath);
  return Counter < 0 ? CountOneMore() : ++Counter;
}

__attribute__((visibility("default"))) PVOID AddressInside(void) { return (PUCHAR)(ULONG_PTR)CountOneMore + 5; }
