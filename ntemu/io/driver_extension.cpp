// What drivers attach to a driver object: memory of theirs, and routines to be called after DriverEntry.
#include "ntemu/api/enter.h"
#include "ntemu/io/driver_body.h"
#include "ntemu/ke/spin_word.h"

using namespace ntemu;

namespace ntemu::io {

// As on Windows; the memory follows.
struct alignas(MEMORY_ALLOCATION_ALIGNMENT) ClientExtension {
  ClientExtension *next;
  PVOID identification;
};

struct Reinitialization {
  Reinitialization *next;
  PDRIVER_REINITIALIZE routine;
  PVOID context;
};

}  // namespace ntemu::io

namespace {

using io::ClientExtension;
using io::Reinitialization;

constexpr ULONG kExtensionTag = 0x78456F49;  // shows as IoEx
constexpr ULONG kReinitializationTag = 0x65526F49;

// Guards the lists of all driver objects.
KSPIN_LOCK extensions_lock;

ClientExtension *find(PDRIVER_OBJECT driver, PVOID identification) {
  ClientExtension *each = io::body_of(driver).client_extensions;
  while (each && each->identification != identification) each = each->next;
  return each;
}

// First in, first out.
Reinitialization *take(PDRIVER_OBJECT driver) {
  ke::SpinGuard guard(extensions_lock);
  Reinitialization *&first = io::body_of(driver).reinitializations;
  Reinitialization *taken = first;
  if (taken) first = taken->next;
  return taken;
}

}  // namespace

namespace ntemu::io {

void reinitialize(PDRIVER_OBJECT driver) {
  while (Reinitialization *each = take(driver)) {
    const Reinitialization call = *each;
    ExFreePoolWithTag(each, kReinitializationTag);
    call.routine(driver, call.context, ++driver->DriverExtension->Count);
  }
  __atomic_fetch_and(&driver->Flags, ~ULONG{DRVO_REINIT_REGISTERED}, __ATOMIC_RELAXED);
}

void free_extensions(DriverBody &driver) {
  while (ClientExtension *each = driver.client_extensions) {
    driver.client_extensions = each->next;
    ExFreePoolWithTag(each, kExtensionTag);
  }
  while (Reinitialization *each = take(&driver.object)) ExFreePoolWithTag(each, kReinitializationTag);
}

}  // namespace ntemu::io

NTSTATUS IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress,
                                         ULONG DriverObjectExtensionSize, PVOID *DriverObjectExtension) {
  NT_ENTER(IoAllocateDriverObjectExtension, DriverObject, ClientIdentificationAddress, DriverObjectExtensionSize,
           DriverObjectExtension);
  *DriverObjectExtension = nullptr;
  const SIZE_T size = sizeof(ClientExtension) + SIZE_T{DriverObjectExtensionSize};
  auto *extension = static_cast<ClientExtension *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, size, kExtensionTag));
  if (!extension) return STATUS_INSUFFICIENT_RESOURCES;
  extension->identification = ClientIdentificationAddress;
  bool taken;
  {
    ke::SpinGuard guard(extensions_lock);
    taken = find(DriverObject, ClientIdentificationAddress);
    if (!taken) {
      extension->next = io::body_of(DriverObject).client_extensions;
      io::body_of(DriverObject).client_extensions = extension;
    }
  }
  if (taken) {
    ExFreePoolWithTag(extension, kExtensionTag);
    return STATUS_OBJECT_NAME_COLLISION;
  }
  *DriverObjectExtension = extension + 1;
  return STATUS_SUCCESS;
}

PVOID IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress) {
  NT_ENTER(IoGetDriverObjectExtension, DriverObject, ClientIdentificationAddress);
  ke::SpinGuard guard(extensions_lock);
  ClientExtension *extension = find(DriverObject, ClientIdentificationAddress);
  return extension ? extension + 1 : nullptr;
}

VOID IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject, PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                      PVOID Context) {
  NT_ENTER(IoRegisterDriverReinitialization, DriverObject, DriverReinitializationRoutine, Context);
  auto *added = static_cast<Reinitialization *>(
      ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Reinitialization), kReinitializationTag));
  if (!added) return;
  *added = {nullptr, DriverReinitializationRoutine, Context};
  __atomic_fetch_or(&DriverObject->Flags, DRVO_REINIT_REGISTERED, __ATOMIC_RELAXED);
  ke::SpinGuard guard(extensions_lock);
  Reinitialization **end = &io::body_of(DriverObject).reinitializations;
  while (*end) end = &(*end)->next;
  *end = added;
}
