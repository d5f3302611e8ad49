// StartIo: a device's IRPs one after the other, through its DeviceQueue.
#include "ntemu/api/enter.h"
#include "ntifs.h"

using namespace ntemu;

namespace {

// CurrentIrp changes under the cancel spin lock where IRPs can be cancelled, so that a cancel routine can tell.
void start_next(PDEVICE_OBJECT device, bool cancelable, const auto &remove) {
  KIRQL irql = 0;
  if (cancelable) IoAcquireCancelSpinLock(&irql);
  device->CurrentIrp = nullptr;
  const PKDEVICE_QUEUE_ENTRY entry = remove(&device->DeviceQueue);
  PIRP irp = entry ? CONTAINING_RECORD(entry, IRP, Tail.Overlay.DeviceQueueEntry) : nullptr;
  if (irp) device->CurrentIrp = irp;
  if (cancelable) IoReleaseCancelSpinLock(irql);
  if (irp) device->DriverObject->DriverStartIo(device, irp);
}

}  // namespace

VOID IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction) {
  NT_ENTER(IoStartPacket, DeviceObject, Irp, Key, CancelFunction);
  KIRQL before, irql = 0;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  if (CancelFunction) {
    IoAcquireCancelSpinLock(&irql);
    IoSetCancelRoutine(Irp, CancelFunction);
  }
  const PKDEVICE_QUEUE_ENTRY entry = &Irp->Tail.Overlay.DeviceQueueEntry;
  const bool queued = Key ? KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue, entry, *Key)
                          : KeInsertDeviceQueue(&DeviceObject->DeviceQueue, entry);
  if (!queued) {
    DeviceObject->CurrentIrp = Irp;
    if (CancelFunction) IoReleaseCancelSpinLock(irql);
    DeviceObject->DriverObject->DriverStartIo(DeviceObject, Irp);
  } else if (CancelFunction && Irp->Cancel) {
    IoSetCancelRoutine(Irp, nullptr);
    Irp->CancelIrql = irql;
    CancelFunction(DeviceObject, Irp);  // releases the lock
  } else if (CancelFunction) {
    IoReleaseCancelSpinLock(irql);
  }
  KeLowerIrql(before);
}

VOID IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable) {
  NT_ENTER(IoStartNextPacket, DeviceObject, Cancelable);
  start_next(DeviceObject, Cancelable, [](PKDEVICE_QUEUE queue) { return KeRemoveDeviceQueue(queue); });
}

VOID IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key) {
  NT_ENTER(IoStartNextPacketByKey, DeviceObject, Cancelable, Key);
  start_next(DeviceObject, Cancelable, [Key](PKDEVICE_QUEUE queue) { return KeRemoveByKeyDeviceQueue(queue, Key); });
}
