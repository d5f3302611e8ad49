// The handle table: lookups take one entry's lock bit, only creating and closing handles takes the table's lock.
#include <sched.h>

#include <atomic>

#include "ntemu/base/lock.h"
#include "ntemu/base/pages.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ob/header.h"

namespace ntemu::ob {
namespace {

constexpr ULONG64 kLocked = 1;     // held for a few instructions
constexpr ULONG64 kInherit = 2;    // OBJ_INHERIT
constexpr ULONG64 kProtected = 4;  // OBJ_PROTECT_CLOSE
constexpr ULONG64 kFlags = 15;     // bodies are 16-aligned

struct Entry {
  std::atomic<ULONG64> value;  // the body and flags; 0 when free
  ACCESS_MASK granted;         // guarded by kLocked
  ULONG next_free;             // guarded by the table's lock
};
static_assert(sizeof(Entry) == 16);

constexpr ULONG kSegmentEntries = 1024;
constexpr ULONG kSegments = 16384;
constexpr ULONG64 kKernelHandle = 0xFFFFFFFF'80000000;

struct Table {
  std::atomic<Entry *> segments[kSegments];  // mapped when first needed, kept from then on
  base::Mutex mutex;
  ULONG first_free NTEMU_GUARDED_BY(mutex) = 0;
  ULONG next_unused NTEMU_GUARDED_BY(mutex) = 1;  // handle 0 is no handle
  std::atomic<size_t> open{0};
};
constinit Table table;

Entry *find_entry(ULONG index) {
  if (index == 0 || index / kSegmentEntries >= kSegments) return nullptr;
  Entry *segment = table.segments[index / kSegmentEntries].load(std::memory_order_acquire);
  return segment ? segment + index % kSegmentEntries : nullptr;
}

bool is_kernel_handle(HANDLE handle) { return (reinterpret_cast<ULONG64>(handle) & kKernelHandle) == kKernelHandle; }

bool is_pseudo_handle(HANDLE handle) { return handle == NtCurrentProcess() || handle == NtCurrentThread(); }

// The two lowest bits of a handle are the caller's to use.
Entry *find_entry(HANDLE handle) {
  ULONG64 value = reinterpret_cast<ULONG64>(handle);
  if (is_kernel_handle(handle)) value &= ~kKernelHandle;
  return value >> 32 ? nullptr : find_entry(static_cast<ULONG>(value / 4));
}

// The entry's unlocked value, or 0 and no lock when it is free.
ULONG64 lock(Entry &entry) {
  ULONG64 value = entry.value.load(std::memory_order_relaxed);
  for (int spins = 0;; ++spins) {
    if (value == 0) return 0;
    if (!(value & kLocked)) {
      if (entry.value.compare_exchange_weak(value, value | kLocked, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
        return value;
      }
      continue;
    }
    if (spins < 64) {
      __builtin_ia32_pause();
    } else {
      sched_yield();
    }
    value = entry.value.load(std::memory_order_relaxed);
  }
}

void unlock(Entry &entry, ULONG64 value) { entry.value.store(value, std::memory_order_release); }

void *body_in(ULONG64 value) { return reinterpret_cast<void *>(value & ~kFlags); }

// 0 when there is no more room.
ULONG take_index() {
  base::Guard guard(table.mutex);
  if (const ULONG index = table.first_free) {
    table.first_free = find_entry(index)->next_free;
    return index;
  }
  const ULONG index = table.next_unused;
  if (index / kSegmentEntries >= kSegments) return 0;
  std::atomic<Entry *> &segment = table.segments[index / kSegmentEntries];
  if (!segment.load(std::memory_order_relaxed)) {
    auto *fresh = static_cast<Entry *>(base::map_pages(kSegmentEntries * sizeof(Entry)));
    if (!fresh) return 0;
    segment.store(fresh, std::memory_order_release);
  }
  ++table.next_unused;
  return index;
}

void give_index(ULONG index, Entry &entry) {
  base::Guard guard(table.mutex);
  entry.next_free = table.first_free;
  table.first_free = index;
}

NTSTATUS close_entry(Entry &entry, ULONG index, bool even_protected) {
  const ULONG64 value = lock(entry);
  if (value == 0) return STATUS_INVALID_HANDLE;
  if ((value & kProtected) && !even_protected) {
    unlock(entry, value);
    return STATUS_HANDLE_NOT_CLOSABLE;
  }
  unlock(entry, 0);
  if (const HandleWatch *watch = handle_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->given(index);
  give_index(index, entry);
  table.open.fetch_sub(1, std::memory_order_relaxed);
  release_handle(body_in(value));
  return STATUS_SUCCESS;
}

Result<void *> reference_current(HANDLE handle) {
  KTHREAD &thread = ke::current().Tcb;
  void *body = handle == NtCurrentThread() ? static_cast<void *>(&thread) : thread.Process;
  reference(body);
  return body;
}

}  // namespace

std::atomic<const HandleWatch *> handle_watch{nullptr};

ACCESS_MASK map_generic(const _OBJECT_TYPE &type, ACCESS_MASK access) {
  constexpr ACCESS_MASK kGeneric = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;
  ACCESS_MASK mapped = access & ~kGeneric;
  if (access & GENERIC_READ) mapped |= type.generic_mapping.GenericRead;
  if (access & GENERIC_WRITE) mapped |= type.generic_mapping.GenericWrite;
  if (access & GENERIC_EXECUTE) mapped |= type.generic_mapping.GenericExecute;
  if (access & GENERIC_ALL) mapped |= type.generic_mapping.GenericAll;
  return mapped;
}

ACCESS_MASK map_access(const _OBJECT_TYPE &type, ACCESS_MASK access) {
  const ACCESS_MASK mapped = map_generic(type, access);
  if (!(mapped & MAXIMUM_ALLOWED)) return mapped;
  return (mapped & ~ACCESS_MASK{MAXIMUM_ALLOWED}) | type.generic_mapping.GenericAll;
}

Result<HANDLE> create_handle(void *body, ACCESS_MASK granted, ULONG attributes) {
  const ULONG index = take_index();
  if (index == 0) return STATUS_INSUFFICIENT_RESOURCES;
  count_handle(body);
  Entry &entry = *find_entry(index);
  entry.granted = map_access(type_of(body), granted);
  ULONG64 value = reinterpret_cast<ULONG64>(body);
  if (attributes & OBJ_INHERIT) value |= kInherit;
  if (attributes & OBJ_PROTECT_CLOSE) value |= kProtected;
  table.open.fetch_add(1, std::memory_order_relaxed);
  unlock(entry, value);
  const ULONG64 bits = ULONG64{index} * 4 | (attributes & OBJ_KERNEL_HANDLE ? kKernelHandle : 0);
  const auto handle = reinterpret_cast<HANDLE>(bits);
  if (const HandleWatch *watch = handle_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->taken(handle, index);
  return handle;
}

Result<void *> reference_by_handle(HANDLE handle, ACCESS_MASK access, const _OBJECT_TYPE *type, KPROCESSOR_MODE mode,
                                   ACCESS_MASK *granted, ULONG *attributes) {
  if (is_pseudo_handle(handle)) {
    const auto body = reference_current(handle);
    if (type && &type_of(*body) != type) {
      dereference(*body);
      return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (granted) *granted = type_of(*body).valid_access;
    if (attributes) *attributes = 0;
    return body;
  }
  if (mode == UserMode && is_kernel_handle(handle)) return STATUS_INVALID_HANDLE;
  Entry *entry = find_entry(handle);
  const ULONG64 value = entry ? lock(*entry) : 0;
  if (value == 0) return STATUS_INVALID_HANDLE;
  void *body = body_in(value);
  const ACCESS_MASK rights = entry->granted;
  NTSTATUS status = STATUS_SUCCESS;
  if (type && &type_of(body) != type) {
    status = STATUS_OBJECT_TYPE_MISMATCH;
  } else if (mode == UserMode && (map_access(type_of(body), access) & ~rights)) {
    status = STATUS_ACCESS_DENIED;
  } else {
    reference(body);
  }
  unlock(*entry, value);
  if (!NT_SUCCESS(status)) return status;
  if (granted) *granted = rights;
  if (attributes) *attributes = (value & kInherit ? OBJ_INHERIT : 0u) | (value & kProtected ? OBJ_PROTECT_CLOSE : 0u);
  return body;
}

NTSTATUS close_handle(HANDLE handle) {
  Entry *entry = is_pseudo_handle(handle) ? nullptr : find_entry(handle);
  if (!entry) return STATUS_INVALID_HANDLE;
  const auto index = static_cast<ULONG>((reinterpret_cast<ULONG64>(handle) & 0x7FFFFFFF) / 4);
  return close_entry(*entry, index, false);
}

NTSTATUS protect_handle(HANDLE handle, bool protect) {
  Entry *entry = is_pseudo_handle(handle) ? nullptr : find_entry(handle);
  const ULONG64 value = entry ? lock(*entry) : 0;
  if (value == 0) return STATUS_INVALID_HANDLE;
  unlock(*entry, protect ? value | kProtected : value & ~kProtected);
  return STATUS_SUCCESS;
}

size_t open_handles() { return table.open.load(std::memory_order_relaxed); }

void close_all_handles() {
  ULONG end;
  {
    base::Guard guard(table.mutex);
    end = table.next_unused;
  }
  for (ULONG index = 1; index < end; ++index) close_entry(*find_entry(index), index, true);
  // The next machine begins with the first handle again.
  base::Guard guard(table.mutex);
  table.first_free = 0;
  table.next_unused = 1;
}

const void *handle_segments() { return table.segments; }

}  // namespace ntemu::ob
