// The fields of an ERESOURCE: who may read or change them, its owners, and the threads that wait for it.
#pragma once

#include "ntemu/ke/policy.h"
#include "ntemu/ke/thread.h"

extern "C" {
// Head of the list of all resources.
extern LIST_ENTRY ExpSystemResourcesList;
}

namespace ntemu::ex {

// ERESOURCE.SpinLock, held for a few instructions and never while another lock is taken. It takes no part in IRQL.
class ResourceLock {
 public:
  explicit ResourceLock(ERESOURCE &resource) : word_(resource.SpinLock) { lock(); }
  ~ResourceLock() { unlock(); }
  ResourceLock(const ResourceLock &) = delete;
  ResourceLock &operator=(const ResourceLock &) = delete;
  [[gnu::always_inline]] void lock() {
    if (__atomic_exchange_n(&word_, 1, __ATOMIC_ACQUIRE)) [[unlikely]]
      spin(word_);
  }
  // The last touch of a resource that it makes acquirable.
  [[gnu::always_inline]] void unlock() { __atomic_store_n(&word_, 0, __ATOMIC_RELEASE); }

 private:
  static void spin(KSPIN_LOCK &word);
  KSPIN_LOCK &word_;
};

// On the stack of a thread that waits; SharedWaiters and ExclusiveWaiters point to the first. Ownership is handed over,
// so a woken waiter owns the resource.
struct ResourceWaiter {
  KEVENT granted;
  ResourceWaiter *next;
  ResourceWaiter *last;  // of the first: the end of the list
  ERESOURCE_THREAD thread;
};

inline bool is_exclusive(const ERESOURCE &resource) { return resource.Flag & ResourceOwnedExclusive; }

// All of these with the resource locked.

// The entry of an owner other than OwnerEntry; nullptr when it has none.
OWNER_ENTRY *find_in_table(const ERESOURCE &resource, ERESOURCE_THREAD owner);
inline OWNER_ENTRY *find_owner(ERESOURCE &resource, ERESOURCE_THREAD owner) {
  if (resource.OwnerEntry.OwnerThread == owner) [[likely]]
    return &resource.OwnerEntry;
  return resource.OwnerTable ? find_in_table(resource, owner) : nullptr;
}
inline void set_owner(ERESOURCE &resource, OWNER_ENTRY &entry, ERESOURCE_THREAD owner) {
  entry.OwnerThread = owner;
  entry.TableSize = 0;
  entry.OwnerCount = 1;
  ++resource.ActiveEntries;
  ++resource.ActiveCount;
}
// Whether a further shared owner and all who wait to become one would have an entry.
bool has_room(const ERESOURCE &resource);
// Unlocks, gives the resource a larger table, locks again: what was seen before is no longer certain.
void grow_table(ERESOURCE &resource, ResourceLock &lock);
// Makes `owner` one more shared owner, or an owner once more.
void add_shared(ERESOURCE &resource, ERESOURCE_THREAD owner);

// What the lists of waiters are called: SharedWaiters or ExclusiveWaiters.
void enqueue(PVOID &list, ResourceWaiter &waiter);
// Owners from now on, to be woken by `wake` once the resource is unlocked.
ResourceWaiter *grant_shared(ERESOURCE &resource);
ResourceWaiter *grant_next(ERESOURCE &resource, bool shared_first);
void wake(ResourceWaiter *granted);

// A resource that is initialized and lies, or begins, in those bytes; null when none does.
const ERESOURCE *find_resource(const void *start, size_t bytes);

// Empties the list of all resources: a machine starts.
void boot_resources();

}  // namespace ntemu::ex
