/* The entry point of every image, named as in images that the WDK links, so that it is the frame users know. */
#include "nt/basetsd.h"

struct _DRIVER_OBJECT;
NTSTATUS DriverEntry(struct _DRIVER_OBJECT *DriverObject, PUNICODE_STRING RegistryPath);

DECLSPEC_EXPORT NTSTATUS GsDriverEntry(struct _DRIVER_OBJECT *DriverObject, PUNICODE_STRING RegistryPath);
NTSTATUS GsDriverEntry(struct _DRIVER_OBJECT *DriverObject, PUNICODE_STRING RegistryPath) {
  return DriverEntry(DriverObject, RegistryPath);
}
