// The owners of a resource and those who wait to become one.
#include <cstring>

#include "ntemu/ex/resource.h"
#include "ntemu/ke/blocking.h"

namespace ntemu::ex {
namespace {

constexpr ULONG kTag = 'aTxE';

// Entry 0 of a table holds its size; the others belong to owners, or to nobody (OwnerThread 0).
ULONG entries(const ERESOURCE &resource) { return resource.OwnerTable ? resource.OwnerTable->TableSize : 0; }

}  // namespace

void ResourceLock::spin(KSPIN_LOCK &word) {
  for (uint32_t round = 0; __atomic_exchange_n(&word, 1, __ATOMIC_ACQUIRE);) {
    while (__atomic_load_n(&word, __ATOMIC_RELAXED)) ke::spin(round++);
  }
}

OWNER_ENTRY *find_in_table(const ERESOURCE &resource, ERESOURCE_THREAD owner) {
  for (ULONG i = 1; i < entries(resource); ++i) {
    if (resource.OwnerTable[i].OwnerThread == owner) return &resource.OwnerTable[i];
  }
  return nullptr;
}

bool has_room(const ERESOURCE &resource) {
  const ULONG size = entries(resource);
  return resource.ActiveEntries + resource.NumberOfSharedWaiters < (size ? size : 1);
}

void grow_table(ERESOURCE &resource, ResourceLock &lock) {
  const ULONG before = entries(resource);
  lock.unlock();
  const ULONG size = before ? before * 2 : 4;
  auto *table = static_cast<OWNER_ENTRY *>(
      ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, size * sizeof(OWNER_ENTRY), kTag));
  lock.lock();
  OWNER_ENTRY *unused = table;
  if (entries(resource) == before) {
    if (before) std::memcpy(table, resource.OwnerTable, before * sizeof(OWNER_ENTRY));
    table->TableSize = size;
    unused = resource.OwnerTable;
    resource.OwnerTable = table;
  }
  if (!unused) return;
  lock.unlock();
  ExFreePoolWithTag(unused, kTag);
  lock.lock();
}

void add_shared(ERESOURCE &resource, ERESOURCE_THREAD owner) {
  if (OWNER_ENTRY *entry = find_owner(resource, owner)) {
    ++entry->OwnerCount;
  } else {
    set_owner(resource, *find_owner(resource, 0), owner);
  }
}

void enqueue(PVOID &list, ResourceWaiter &waiter) {
  waiter.next = nullptr;
  if (auto *first = static_cast<ResourceWaiter *>(list)) {
    first->last->next = &waiter;
    first->last = &waiter;
  } else {
    waiter.last = &waiter;
    list = &waiter;
  }
}

ResourceWaiter *grant_shared(ERESOURCE &resource) {
  auto *first = static_cast<ResourceWaiter *>(resource.SharedWaiters);
  for (ResourceWaiter *waiter = first; waiter; waiter = waiter->next) {
    --resource.NumberOfSharedWaiters;
    ke::note_granted(*reinterpret_cast<ETHREAD *>(waiter->thread));
    add_shared(resource, waiter->thread);
  }
  resource.SharedWaiters = nullptr;
  return first;
}

ResourceWaiter *grant_next(ERESOURCE &resource, bool shared_first) {
  auto *first = static_cast<ResourceWaiter *>(resource.ExclusiveWaiters);
  if (!first || (shared_first && resource.SharedWaiters)) return grant_shared(resource);
  if (first->next) first->next->last = first->last;
  resource.ExclusiveWaiters = first->next;
  --resource.NumberOfExclusiveWaiters;
  first->next = nullptr;
  ke::note_granted(*reinterpret_cast<ETHREAD *>(first->thread));
  set_owner(resource, resource.OwnerEntry, first->thread);
  resource.Flag |= ResourceOwnedExclusive;
  return first;
}

void wake(ResourceWaiter *granted) {
  while (granted) {
    ResourceWaiter *next = granted->next;
    KeSetEvent(&granted->granted, IO_NO_INCREMENT, FALSE);  // the waiter is gone from here on
    granted = next;
  }
}

}  // namespace ntemu::ex
