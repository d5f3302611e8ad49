// Device queues: IRPs that wait while their device is busy. Busy is what decides, under the queue's own lock.
#include "ntemu/api/enter.h"
#include "ntemu/ke/spin_word.h"

using namespace ntemu;
using ke::SpinGuard;

namespace {

constexpr CSHORT kDeviceQueueObject = 20;

KDEVICE_QUEUE_ENTRY &entry_of(PLIST_ENTRY link) {
  return *CONTAINING_RECORD(link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

// The first entry whose key fits, or the list's head.
PLIST_ENTRY find(KDEVICE_QUEUE &queue, const auto &fits) {
  PLIST_ENTRY link = queue.DeviceListHead.Flink;
  while (link != &queue.DeviceListHead && !fits(entry_of(link).SortKey)) link = link->Flink;
  return link;
}

// `before`: the entry that it precedes, found under the lock.
BOOLEAN insert(KDEVICE_QUEUE &queue, KDEVICE_QUEUE_ENTRY &entry, const auto &before) {
  SpinGuard guard(queue.Lock);
  entry.Inserted = queue.Busy;
  if (queue.Busy) {
    InsertTailList(before(), &entry.DeviceListEntry);
  } else {
    queue.Busy = TRUE;
  }
  return entry.Inserted;
}

PKDEVICE_QUEUE_ENTRY take(KDEVICE_QUEUE &queue, PLIST_ENTRY link) {
  if (IsListEmpty(&queue.DeviceListHead)) {
    queue.Busy = FALSE;
    return nullptr;
  }
  if (link == &queue.DeviceListHead) link = link->Flink;
  RemoveEntryList(link);
  entry_of(link).Inserted = FALSE;
  return &entry_of(link);
}

PKDEVICE_QUEUE_ENTRY take_by_key(KDEVICE_QUEUE &queue, ULONG key) {
  return take(queue, find(queue, [&](ULONG other) { return other >= key; }));
}

}  // namespace

VOID KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue) {
  NT_ENTER(KeInitializeDeviceQueue, DeviceQueue);
  DeviceQueue->Type = kDeviceQueueObject;
  DeviceQueue->Size = sizeof(KDEVICE_QUEUE);
  InitializeListHead(&DeviceQueue->DeviceListHead);
  DeviceQueue->Lock = 0;
  DeviceQueue->Hint = 0;
  DeviceQueue->Busy = FALSE;
}

BOOLEAN KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry) {
  NT_ENTER(KeInsertDeviceQueue, DeviceQueue, DeviceQueueEntry);
  return insert(*DeviceQueue, *DeviceQueueEntry, [&] { return &DeviceQueue->DeviceListHead; });
}

BOOLEAN KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry, ULONG SortKey) {
  NT_ENTER(KeInsertByKeyDeviceQueue, DeviceQueue, DeviceQueueEntry, SortKey);
  DeviceQueueEntry->SortKey = SortKey;
  return insert(*DeviceQueue, *DeviceQueueEntry,
                [&] { return find(*DeviceQueue, [&](ULONG other) { return other > SortKey; }); });
}

PKDEVICE_QUEUE_ENTRY KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue) {
  NT_ENTER(KeRemoveDeviceQueue, DeviceQueue);
  SpinGuard guard(DeviceQueue->Lock);
  return take(*DeviceQueue, DeviceQueue->DeviceListHead.Flink);
}

PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey) {
  NT_ENTER(KeRemoveByKeyDeviceQueue, DeviceQueue, SortKey);
  SpinGuard guard(DeviceQueue->Lock);
  return take_by_key(*DeviceQueue, SortKey);
}

PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey) {
  NT_ENTER(KeRemoveByKeyDeviceQueueIfBusy, DeviceQueue, SortKey);
  SpinGuard guard(DeviceQueue->Lock);
  return DeviceQueue->Busy ? take_by_key(*DeviceQueue, SortKey) : nullptr;
}

BOOLEAN KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry) {
  NT_ENTER(KeRemoveEntryDeviceQueue, DeviceQueue, DeviceQueueEntry);
  SpinGuard guard(DeviceQueue->Lock);
  const BOOLEAN inserted = DeviceQueueEntry->Inserted;
  if (inserted) RemoveEntryList(&DeviceQueueEntry->DeviceListEntry);
  DeviceQueueEntry->Inserted = FALSE;
  return inserted;
}
