// Executive resources: their beginning and end, what is asked of them, and owners other than threads.
#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ke/bugcheck.h"

using namespace ntemu;
using namespace ntemu::ex;

LIST_ENTRY ExpSystemResourcesList = {&ExpSystemResourcesList, &ExpSystemResourcesList};

namespace {

base::Mutex list_lock;

constexpr ULONG kMostAcquisitions = (1u << 29) - 1;

ERESOURCE_THREAD self() { return reinterpret_cast<ERESOURCE_THREAD>(&ke::current()); }

}  // namespace

namespace ntemu::ex {

void boot_resources() {
  base::Guard guard(list_lock);
  InitializeListHead(&ExpSystemResourcesList);
}

const ERESOURCE *find_resource(const void *start, size_t bytes) {
  base::Guard guard(list_lock);
  for (const LIST_ENTRY *entry = ExpSystemResourcesList.Flink; entry != &ExpSystemResourcesList; entry = entry->Flink) {
    const auto *resource = CONTAINING_RECORD(entry, ERESOURCE, SystemResourcesList);
    if (reinterpret_cast<uintptr_t>(resource) - reinterpret_cast<uintptr_t>(start) < bytes) return resource;
  }
  return nullptr;
}

}  // namespace ntemu::ex

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource) {
  NT_ENTER(ExInitializeResourceLite, Resource);
  *Resource = {};
  base::Guard guard(list_lock);
  InsertTailList(&ExpSystemResourcesList, &Resource->SystemResourcesList);
  return STATUS_SUCCESS;
}

NTSTATUS ExReinitializeResourceLite(PERESOURCE Resource) {
  NT_ENTER(ExReinitializeResourceLite, Resource);
  ResourceLock lock(*Resource);
  if (OWNER_ENTRY *table = Resource->OwnerTable) {
    for (ULONG i = 1; i < table->TableSize; ++i) table[i] = {};
  }
  Resource->ActiveCount = 0;
  Resource->Flag = 0;
  Resource->SharedWaiters = nullptr;
  Resource->ExclusiveWaiters = nullptr;
  Resource->OwnerEntry = {};
  Resource->ActiveEntries = 0;
  Resource->ContentionCount = 0;
  Resource->NumberOfSharedWaiters = 0;
  Resource->NumberOfExclusiveWaiters = 0;
  return STATUS_SUCCESS;
}

NTSTATUS ExDeleteResourceLite(PERESOURCE Resource) {
  NT_ENTER(ExDeleteResourceLite, Resource);
  {
    base::Guard guard(list_lock);
    RemoveEntryList(&Resource->SystemResourcesList);
  }
  if (OWNER_ENTRY *table = Resource->OwnerTable) {
    Resource->OwnerTable = nullptr;
    ExFreePoolWithTag(table, 0);
  }
  return STATUS_SUCCESS;
}

BOOLEAN ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource) {
  NT_ENTER(ExIsResourceAcquiredExclusiveLite, Resource);
  ResourceLock lock(*Resource);
  return is_exclusive(*Resource) && Resource->OwnerEntry.OwnerThread == self();
}

ULONG ExIsResourceAcquiredSharedLite(PERESOURCE Resource) {
  NT_ENTER(ExIsResourceAcquiredSharedLite, Resource);
  ResourceLock lock(*Resource);
  const OWNER_ENTRY *entry = find_owner(*Resource, self());
  return entry ? entry->OwnerCount : 0;
}

ULONG ExGetExclusiveWaiterCount(PERESOURCE Resource) {
  NT_ENTER(ExGetExclusiveWaiterCount, Resource);
  ResourceLock lock(*Resource);
  return Resource->NumberOfExclusiveWaiters;
}

ULONG ExGetSharedWaiterCount(PERESOURCE Resource) {
  NT_ENTER(ExGetSharedWaiterCount, Resource);
  ResourceLock lock(*Resource);
  return Resource->NumberOfSharedWaiters;
}

VOID ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG Flags) {
  NT_ENTER(ExSetResourceOwnerPointerEx, Resource, OwnerPointer, Flags);
  ETHREAD &thread = ke::current();
  const auto owner = reinterpret_cast<ERESOURCE_THREAD>(OwnerPointer);
  ULONG count = 0;
  {
    ResourceLock lock(*Resource);
    if (OWNER_ENTRY *entry = find_owner(*Resource, self())) {
      count = entry->OwnerCount;
      if (OWNER_ENTRY *other = find_owner(*Resource, owner); other && other != entry) {
        other->OwnerCount = (other->OwnerCount + count) & kMostAcquisitions;
        *entry = {};
        --Resource->ActiveEntries;
        --Resource->ActiveCount;
      } else {
        entry->OwnerThread = owner;
      }
    }
  }
  // RESOURCE_NOT_OWNED
  if (count == 0)
    ke::bugcheck(0xE3, reinterpret_cast<ULONG_PTR>(Resource), self(), reinterpret_cast<ULONG_PTR>(Resource->OwnerTable),
                 2);
  for (ULONG i = 0; i < count; ++i) thread.held.remove(Resource);
}

VOID ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer) {
  NT_ENTER(ExSetResourceOwnerPointer, Resource, OwnerPointer);
  ExSetResourceOwnerPointerEx(Resource, OwnerPointer, 0);
}

VOID ExDisableResourceBoostLite(PERESOURCE Resource) { NT_ENTER(ExDisableResourceBoostLite, Resource); }
