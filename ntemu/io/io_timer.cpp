// A device's timer: a routine that runs once a second.
#include "ntemu/io/io_timer.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

struct _IO_TIMER {
  CSHORT Type;
  CSHORT TimerFlag;  // 1: started
  PIO_TIMER_ROUTINE TimerRoutine;
  PVOID Context;
  PDEVICE_OBJECT DeviceObject;
  // Windows has one timer for all of them.
  KTIMER timer;
  KDPC dpc;
};

namespace {

constexpr ULONG kTimerTag = 0x69546F49;  // shows as IoTi
constexpr LONG kPeriod = 1000;           // milliseconds

VOID IopTimerDispatch(PKDPC, PVOID DeferredContext, PVOID, PVOID) {
  auto *timer = static_cast<PIO_TIMER>(DeferredContext);
  if (__atomic_load_n(&timer->TimerFlag, __ATOMIC_ACQUIRE)) timer->TimerRoutine(timer->DeviceObject, timer->Context);
}

}  // namespace

void ntemu::io::delete_timer(PDEVICE_OBJECT device) {
  const PIO_TIMER timer = device->Timer;
  if (!timer) return;
  device->Timer = nullptr;
  __atomic_store_n(&timer->TimerFlag, CSHORT{0}, __ATOMIC_RELEASE);
  // A machine that ends has let go of its timers and DPCs.
  if (!ke::leaving.load()) {
    KeCancelTimer(&timer->timer);
    KeRemoveQueueDpc(&timer->dpc);
    KeFlushQueuedDpcs();
  }
  ExFreePoolWithTag(timer, kTimerTag);
}

NTSTATUS IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context) {
  NT_ENTER(IoInitializeTimer, DeviceObject, TimerRoutine, Context);
  PIO_TIMER timer = DeviceObject->Timer;
  if (!timer) {
    timer = static_cast<PIO_TIMER>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(_IO_TIMER), kTimerTag));
    if (!timer) return STATUS_INSUFFICIENT_RESOURCES;
    timer->Type = IO_TYPE_TIMER;
    timer->DeviceObject = DeviceObject;
    KeInitializeTimer(&timer->timer);
    KeInitializeDpc(&timer->dpc, IopTimerDispatch, timer);
    DeviceObject->Timer = timer;
  }
  timer->TimerRoutine = TimerRoutine;
  timer->Context = Context;
  return STATUS_SUCCESS;
}

VOID IoStartTimer(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoStartTimer, DeviceObject);
  const PIO_TIMER timer = DeviceObject->Timer;
  if (io::is_delete_pending(DeviceObject)) return;
  if (__atomic_exchange_n(&timer->TimerFlag, CSHORT{1}, __ATOMIC_ACQ_REL)) return;
  LARGE_INTEGER due;
  due.QuadPart = -static_cast<LONGLONG>(kPeriod) * base::kNtPerMillisecond;
  KeSetTimerEx(&timer->timer, due, kPeriod, &timer->dpc);
}

VOID IoStopTimer(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoStopTimer, DeviceObject);
  const PIO_TIMER timer = DeviceObject->Timer;
  if (__atomic_exchange_n(&timer->TimerFlag, CSHORT{0}, __ATOMIC_ACQ_REL)) KeCancelTimer(&timer->timer);
}
