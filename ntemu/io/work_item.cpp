#include "ntemu/io/work_item.h"

#include "ntemu/api/enter.h"
#include "ntemu/base/address.h"
#include "ntemu/base/lock.h"
#include "ntemu/ex/worker.h"
#include "ntemu/io/device.h"
#include "ntemu/ke/bugcheck.h"
#include "ntifs.h"

using namespace ntemu;

// A driver's routine that a worker will call, or is in.
struct _IO_WORKITEM_CALL {
  LIST_ENTRY entry;
  ULONG_PTR routine;
};

struct _IO_WORKITEM {
  WORK_QUEUE_ITEM item;
  PVOID object;  // a device, or a driver
  PVOID context;
  _IO_WORKITEM_CALL call;  // while queued
  bool extended;           // the routine is a PIO_WORKITEM_ROUTINE_EX
};

namespace {

constexpr ULONG kWorkItemTag = 0x69576F49;  // 'IoWi'

struct Calls {
  base::Mutex mutex;
  LIST_ENTRY list NTEMU_GUARDED_BY(mutex);
  Calls() { InitializeListHead(&list); }
};

Calls &calls() {
  static Calls *all = new Calls;
  return *all;
}

void begin(_IO_WORKITEM_CALL &call, ULONG_PTR routine) {
  Calls &all = calls();
  base::Guard guard(all.mutex);
  call.routine = routine;
  InsertTailList(&all.list, &call.entry);
}

// `to` takes the place of `from`, which its driver may free from now on.
void move(_IO_WORKITEM_CALL &from, _IO_WORKITEM_CALL &to) {
  Calls &all = calls();
  base::Guard guard(all.mutex);
  to.routine = from.routine;
  InsertHeadList(&from.entry, &to.entry);
  RemoveEntryList(&from.entry);
}

void end(_IO_WORKITEM_CALL &call) {
  Calls &all = calls();
  base::Guard guard(all.mutex);
  RemoveEntryList(&call.entry);
}

void initialize(PIO_WORKITEM item, PVOID object) {
  const CSHORT type = object ? *static_cast<CSHORT *>(object) : CSHORT{0};
  if (type != io::kDeviceType && type != io::kDriverType)
    ke::bugcheck(0xE4, 3, base::address_of(item), base::address_of(object));
  *item = {};
  item->object = object;
}

void require_not_queued(PIO_WORKITEM item) {
  if (ex::is_queued(item->item)) ke::bugcheck(0xE4, 2, base::address_of(item), item->call.routine);
}

extern "C" VOID IopProcessWorkItem(PVOID Parameter) {
  auto *item = static_cast<PIO_WORKITEM>(Parameter);
  const PVOID object = item->object, context = item->context;
  const bool extended = item->extended;
  _IO_WORKITEM_CALL call;
  move(item->call, call);
  if (extended) {
    reinterpret_cast<PIO_WORKITEM_ROUTINE_EX>(call.routine)(object, context, item);
  } else {
    reinterpret_cast<PIO_WORKITEM_ROUTINE>(call.routine)(static_cast<PDEVICE_OBJECT>(object), context);
  }
  end(call);
  ob::dereference(object);
}

void queue(PIO_WORKITEM item, WORK_QUEUE_TYPE type, bool extended, ULONG_PTR routine, PVOID context) {
  if (ex::is_queued(item->item)) ke::bugcheck(0xE4, 1, base::address_of(item), static_cast<ULONG_PTR>(type));
  ob::reference(item->object);
  item->extended = extended;
  item->context = context;
  begin(item->call, routine);
  ExInitializeWorkItem(&item->item, IopProcessWorkItem, item);
  ExQueueWorkItem(&item->item, type);
}

}  // namespace

namespace ntemu::io {

size_t work_items_in(const void *image, size_t size) {
  Calls &all = calls();
  base::Guard guard(all.mutex);
  size_t count = 0;
  for (LIST_ENTRY *entry = all.list.Flink; entry != &all.list; entry = entry->Flink) {
    if (CONTAINING_RECORD(entry, _IO_WORKITEM_CALL, entry)->routine - base::address_of(image) < size) ++count;
  }
  return count;
}

void boot_work_items() {
  Calls &all = calls();
  base::Guard guard(all.mutex);
  InitializeListHead(&all.list);
}

}  // namespace ntemu::io

PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject) {
  NT_ENTER(IoAllocateWorkItem, DeviceObject);
  auto *item = static_cast<PIO_WORKITEM>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(_IO_WORKITEM), kWorkItemTag));
  if (item) initialize(item, DeviceObject);
  return item;
}

VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem) {
  NT_ENTER(IoFreeWorkItem, IoWorkItem);
  require_not_queued(IoWorkItem);
  ExFreePoolWithTag(IoWorkItem, kWorkItemTag);
}

ULONG IoSizeofWorkItem() {
  NT_ENTER(IoSizeofWorkItem);
  return sizeof(_IO_WORKITEM);
}

VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem) {
  NT_ENTER(IoInitializeWorkItem, IoObject, IoWorkItem);
  initialize(IoWorkItem, IoObject);
}

VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem) {
  NT_ENTER(IoUninitializeWorkItem, IoWorkItem);
  require_not_queued(IoWorkItem);
}

VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                     PVOID Context) {
  NT_ENTER(IoQueueWorkItem, IoWorkItem, WorkerRoutine, QueueType, Context);
  queue(IoWorkItem, QueueType, false, base::address_of(reinterpret_cast<void *>(WorkerRoutine)), Context);
}

VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                       PVOID Context) {
  NT_ENTER(IoQueueWorkItemEx, IoWorkItem, WorkerRoutine, QueueType, Context);
  queue(IoWorkItem, QueueType, true, base::address_of(reinterpret_cast<void *>(WorkerRoutine)), Context);
}
