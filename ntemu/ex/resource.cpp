// Executive resources: acquiring and releasing. resource.h says what the fields mean.
#include "ntemu/ex/resource.h"

#include <optional>

#include "ntemu/api/enter.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ex;
using ke::LockKind;

namespace {

// What a shared acquire does when a thread waits for exclusive access: it waits too, unless its thread is an owner
// already; it does not wait; it waits in any case.
enum class Shared { kBehindExclusive, kStarveExclusive, kWaitForExclusive };

ERESOURCE_THREAD id_of(ETHREAD &thread) { return reinterpret_cast<ERESOURCE_THREAD>(&thread); }

// RESOURCE_NOT_OWNED
[[noreturn]] void not_owned(ERESOURCE &resource, ERESOURCE_THREAD owner) {
  ke::bugcheck(0xE3, reinterpret_cast<ULONG_PTR>(&resource), owner, reinterpret_cast<ULONG_PTR>(resource.OwnerTable),
               2);
}

void wait_for_grant(ResourceWaiter &waiter) {
  KeWaitForSingleObject(&waiter.granted, WrResource, KernelMode, FALSE, nullptr);
}

// With the resource locked.
[[gnu::always_inline]] inline bool take_exclusive(ERESOURCE &resource, ERESOURCE_THREAD self) {
  if (resource.ActiveEntries == 0) {
    set_owner(resource, resource.OwnerEntry, self);
    resource.Flag |= ResourceOwnedExclusive;
    return true;
  }
  if (!is_exclusive(resource) || resource.OwnerEntry.OwnerThread != self) return false;
  ++resource.OwnerEntry.OwnerCount;
  return true;
}

__attribute__((noinline)) void ExpAcquireResourceExclusiveSlow(ERESOURCE &resource, ERESOURCE_THREAD self,
                                                               const void *site) {
  std::optional<ke::Wanting> wanting;
  ResourceWaiter waiter;
  waiter.thread = self;
  KeInitializeEvent(&waiter.granted, SynchronizationEvent, FALSE);
  {
    ResourceLock lock(resource);
    if (take_exclusive(resource, self)) return;
    ++resource.ContentionCount;
    ++resource.NumberOfExclusiveWaiters;
    wanting.emplace(ke::current(), &resource, LockKind::kResourceExclusive, site);
    enqueue(resource.ExclusiveWaiters, waiter);
  }
  wait_for_grant(waiter);
}

[[gnu::always_inline]] inline BOOLEAN acquire_exclusive(ERESOURCE &resource, BOOLEAN wait, const void *site) {
  ETHREAD &thread = ke::current();
  bool taken;
  {
    ResourceLock lock(resource);
    taken = take_exclusive(resource, id_of(thread));
  }
  if (!taken) [[unlikely]] {
    if (!wait) return FALSE;
    ExpAcquireResourceExclusiveSlow(resource, id_of(thread), site);
  }
  thread.held.add(&resource, LockKind::kResourceExclusive, site);
  ke::note_progress(thread);
  return TRUE;
}

__attribute__((noinline)) BOOLEAN ExpAcquireResourceSharedSlow(ERESOURCE &resource, ERESOURCE_THREAD self, BOOLEAN wait,
                                                               Shared way, const void *site) {
  std::optional<ke::Wanting> wanting;
  ResourceWaiter waiter;
  waiter.thread = self;
  KeInitializeEvent(&waiter.granted, SynchronizationEvent, FALSE);
  {
    ResourceLock lock(resource);
    for (;;) {
      const bool exclusive = is_exclusive(resource);
      const bool owner = find_owner(resource, self) != nullptr;
      const bool contested = resource.ExclusiveWaiters != nullptr;
      const bool free = !exclusive && (!contested || way == Shared::kStarveExclusive);
      const bool again = owner && (exclusive || !contested || way != Shared::kWaitForExclusive);
      if (!free && !again && !wait) return FALSE;
      if (!again && !has_room(resource)) {
        grow_table(resource, lock);
        continue;
      }
      if (free || again) {
        add_shared(resource, self);
        return TRUE;
      }
      ++resource.ContentionCount;
      ++resource.NumberOfSharedWaiters;
      wanting.emplace(ke::current(), &resource, LockKind::kResourceShared, site);
      enqueue(resource.SharedWaiters, waiter);
      break;
    }
  }
  wait_for_grant(waiter);
  return TRUE;
}

// Only what needs no table; with the resource locked.
[[gnu::always_inline]] inline bool take_shared(ERESOURCE &resource, ERESOURCE_THREAD self) {
  if (resource.ActiveEntries == 0) {
    set_owner(resource, resource.OwnerEntry, self);
    return true;
  }
  if (resource.OwnerEntry.OwnerThread != self || resource.ExclusiveWaiters) return false;
  ++resource.OwnerEntry.OwnerCount;
  return true;
}

[[gnu::always_inline]] inline BOOLEAN acquire_shared(ERESOURCE &resource, BOOLEAN wait, Shared way, const void *site) {
  ETHREAD &thread = ke::current();
  bool taken, exclusive;
  {
    ResourceLock lock(resource);
    taken = take_shared(resource, id_of(thread));
    exclusive = is_exclusive(resource);
  }
  if (!taken) [[unlikely]] {
    if (!ExpAcquireResourceSharedSlow(resource, id_of(thread), wait, way, site)) return FALSE;
    ResourceLock lock(resource);
    exclusive = is_exclusive(resource);
  }
  thread.held.add(&resource, exclusive ? LockKind::kResourceExclusive : LockKind::kResourceShared, site);
  ke::note_progress(thread);
  return TRUE;
}

[[gnu::always_inline]] inline void release(ERESOURCE &resource, ERESOURCE_THREAD owner) {
  ResourceWaiter *granted = nullptr;
  OWNER_ENTRY *entry;
  {
    ResourceLock lock(resource);
    entry = owner ? find_owner(resource, owner) : nullptr;
    if (entry && --entry->OwnerCount == 0) {
      entry->OwnerThread = 0;
      --resource.ActiveCount;
      if (--resource.ActiveEntries == 0) {
        const bool exclusive = is_exclusive(resource);
        resource.Flag &= static_cast<USHORT>(~ResourceOwnedExclusive);
        if (resource.SharedWaiters || resource.ExclusiveWaiters) [[unlikely]]
          granted = grant_next(resource, exclusive);
      }
    }
  }
  if (!entry) [[unlikely]]
    not_owned(resource, owner);
  if (granted) [[unlikely]]
    wake(granted);
}

}  // namespace

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
  NT_ENTER(ExAcquireResourceExclusiveLite, Resource, Wait);
  return acquire_exclusive(*Resource, Wait, __builtin_return_address(0));
}

BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait) {
  NT_ENTER(ExAcquireResourceSharedLite, Resource, Wait);
  return acquire_shared(*Resource, Wait, Shared::kBehindExclusive, __builtin_return_address(0));
}

BOOLEAN ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait) {
  NT_ENTER(ExAcquireSharedStarveExclusive, Resource, Wait);
  return acquire_shared(*Resource, Wait, Shared::kStarveExclusive, __builtin_return_address(0));
}

BOOLEAN ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait) {
  NT_ENTER(ExAcquireSharedWaitForExclusive, Resource, Wait);
  return acquire_shared(*Resource, Wait, Shared::kWaitForExclusive, __builtin_return_address(0));
}

VOID ExReleaseResourceLite(PERESOURCE Resource) {
  NT_ENTER(ExReleaseResourceLite, Resource);
  ETHREAD &thread = ke::current();
  thread.held.remove(Resource);
  release(*Resource, id_of(thread));
}

VOID ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId) {
  NT_ENTER(ExReleaseResourceForThreadLite, Resource, ResourceThreadId);
  ETHREAD &thread = ke::current();
  if (ResourceThreadId == id_of(thread)) thread.held.remove(Resource);
  release(*Resource, ResourceThreadId);
}

PVOID ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource) {
  NT_ENTER(ExEnterCriticalRegionAndAcquireResourceExclusive, Resource);
  KeEnterCriticalRegion();
  acquire_exclusive(*Resource, TRUE, __builtin_return_address(0));
  return nullptr;
}

PVOID ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource) {
  NT_ENTER(ExEnterCriticalRegionAndAcquireResourceShared, Resource);
  KeEnterCriticalRegion();
  acquire_shared(*Resource, TRUE, Shared::kBehindExclusive, __builtin_return_address(0));
  return nullptr;
}

PVOID ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(PERESOURCE Resource) {
  NT_ENTER(ExEnterCriticalRegionAndAcquireSharedWaitForExclusive, Resource);
  KeEnterCriticalRegion();
  acquire_shared(*Resource, TRUE, Shared::kWaitForExclusive, __builtin_return_address(0));
  return nullptr;
}

VOID ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource) {
  NT_ENTER(ExReleaseResourceAndLeaveCriticalRegion, Resource);
  ETHREAD &thread = ke::current();
  thread.held.remove(Resource);
  release(*Resource, id_of(thread));
  KeLeaveCriticalRegion();
}

VOID ExConvertExclusiveToSharedLite(PERESOURCE Resource) {
  NT_ENTER(ExConvertExclusiveToSharedLite, Resource);
  ETHREAD &thread = ke::current();
  ResourceWaiter *granted = nullptr;
  bool owner;
  {
    ResourceLock lock(*Resource);
    owner = is_exclusive(*Resource) && Resource->OwnerEntry.OwnerThread == id_of(thread);
    if (owner) {
      Resource->Flag &= static_cast<USHORT>(~ResourceOwnedExclusive);
      granted = grant_shared(*Resource);
    }
  }
  if (!owner) not_owned(*Resource, id_of(thread));
  thread.held.change_kind(Resource, LockKind::kResourceShared);
  wake(granted);
}
