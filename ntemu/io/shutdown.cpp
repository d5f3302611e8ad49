// IRP_MJ_SHUTDOWN to the devices that asked for it.
#include "ntemu/io/shutdown.h"

#include "ntemu/api/enter.h"
#include "ntemu/base/clock.h"
#include "ntemu/base/log.h"
#include "ntemu/io/device.h"
#include "ntemu/io/irp.h"
#include "ntemu/ke/spin_word.h"

using namespace ntemu;

namespace {

constexpr ULONG kShutdownTag = 0x68536F49;  // shows as IoSh
constexpr LONGLONG kPatience = 2 * base::kNtPerSecond;

struct Notification {
  Notification *next;
  PDEVICE_OBJECT device;  // with a reference
};

KSPIN_LOCK notifications_lock;
Notification *notifications;

// The last one that asked, or of `device`.
PDEVICE_OBJECT take(PDEVICE_OBJECT device) {
  Notification *taken;
  {
    ke::SpinGuard guard(notifications_lock);
    Notification **at = &notifications;
    while (*at && device && (*at)->device != device) at = &(*at)->next;
    taken = *at;
    if (taken) *at = taken->next;
  }
  if (!taken) return nullptr;
  PDEVICE_OBJECT found = taken->device;
  ExFreePoolWithTag(taken, kShutdownTag);
  return found;
}

void tell(PDEVICE_OBJECT device) {
  PDEVICE_OBJECT top = io::top_of(device);
  PIRP irp = io::make_irp(top, nullptr, IRP_MJ_SHUTDOWN, 0);
  if (!irp) return;
  LARGE_INTEGER timeout;
  timeout.QuadPart = -kPatience;
  if (io::call_and_wait(top, irp, &timeout).result.Status == STATUS_TIMEOUT)
    base::log(base::Level::kWarning, "io", "{} has not completed IRP_MJ_SHUTDOWN", io::describe_device(device));
}

}  // namespace

void ntemu::io::notify_shutdown() {
  while (PDEVICE_OBJECT device = take(nullptr)) {
    tell(device);
    ob::dereference(device);
  }
}

NTSTATUS IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoRegisterShutdownNotification, DeviceObject);
  auto *added = static_cast<Notification *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Notification), kShutdownTag));
  if (!added) return STATUS_INSUFFICIENT_RESOURCES;
  ob::reference(DeviceObject);
  added->device = DeviceObject;
  __atomic_fetch_or(&DeviceObject->Flags, DO_SHUTDOWN_REGISTERED, __ATOMIC_RELAXED);
  ke::SpinGuard guard(notifications_lock);
  added->next = notifications;
  notifications = added;
  return STATUS_SUCCESS;
}

VOID IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoUnregisterShutdownNotification, DeviceObject);
  __atomic_fetch_and(&DeviceObject->Flags, ~ULONG{DO_SHUTDOWN_REGISTERED}, __ATOMIC_RELAXED);
  while (take(DeviceObject)) ob::dereference(DeviceObject);
}
