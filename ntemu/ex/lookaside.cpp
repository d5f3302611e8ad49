// Lookaside lists: a sequenced list of free blocks in front of an allocator. The counters may miss a count when
// processors meet, as on Windows.
#include "ntemu/ex/lookaside.h"

#include <algorithm>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ex/slist.h"

extern "C" {
// For debuggers: every list that is in use, by its ListEntry.
__attribute__((visibility("default")))
LIST_ENTRY ExNPagedLookasideListHead = {&ExNPagedLookasideListHead, &ExNPagedLookasideListHead};
__attribute__((visibility("default")))
LIST_ENTRY ExPagedLookasideListHead = {&ExPagedLookasideListHead, &ExPagedLookasideListHead};
}

namespace ntemu::ex {
namespace {

constexpr USHORT kFirstDepth = 4;
constexpr ULONG kWindow = 64;  // allocations after which the depth is looked at

base::Mutex lists_mutex;

ULONG load(const ULONG &counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }
void store(ULONG &counter, ULONG value) { __atomic_store_n(&counter, value, __ATOMIC_RELAXED); }
void count(ULONG &counter) { store(counter, load(counter) + 1); }

PVOID allocate_by_default(POOL_TYPE type, SIZE_T bytes, ULONG tag, PLOOKASIDE_LIST_EX) {
  return ExAllocatePoolWithTag(type, bytes, tag);
}
VOID free_by_default(PVOID block, PLOOKASIDE_LIST_EX) { ExFreePool(block); }

template <class List>
void initialize(List &list, int type, SIZE_T size, ULONG tag) {
  InitializeSListHead(&list.ListHead);
  list.Depth = kFirstDepth;
  list.MaximumDepth = EX_MAXIMUM_LOOKASIDE_DEPTH_BASE;
  list.TotalAllocates = list.AllocateMisses = list.TotalFrees = list.FreeMisses = 0;
  list.LastTotalAllocates = list.LastAllocateMisses = 0;
  list.Type = static_cast<POOL_TYPE>(type);
  list.Tag = tag;
  list.Size = static_cast<ULONG>(std::max<SIZE_T>(size, LOOKASIDE_MINIMUM_BLOCK_SIZE));
  std::fill(std::begin(list.Future), std::end(list.Future), 0u);
  base::Guard guard(lists_mutex);
  InsertTailList(type & PagedPool ? &ExPagedLookasideListHead : &ExNPagedLookasideListHead, &list.ListEntry);
}

template <class List>
void remove(List &list) {
  base::Guard guard(lists_mutex);
  RemoveEntryList(&list.ListEntry);
}

// Windows looks at the lists once a second; here whoever allocates doubles the depth of a list that was too short.
template <class List>
void count_miss(List &list) {
  count(list.AllocateMisses);
  const ULONG allocates = load(list.TotalAllocates);
  const ULONG misses = load(list.AllocateMisses);
  const ULONG lately = allocates - load(list.LastTotalAllocates);
  if (lately < kWindow) return;
  const USHORT depth = __atomic_load_n(&list.Depth, __ATOMIC_RELAXED);
  if (misses - load(list.LastAllocateMisses) > lately / 4)
    __atomic_store_n(&list.Depth, std::min<USHORT>(static_cast<USHORT>(depth * 2), list.MaximumDepth),
                     __ATOMIC_RELAXED);
  store(list.LastTotalAllocates, allocates);
  store(list.LastAllocateMisses, misses);
}

template <class List>
PVOID take(List &list, const auto &allocate) {
  count(list.TotalAllocates);
  if (const PSLIST_ENTRY entry = pop(list.ListHead)) return entry;
  count_miss(list);
  return allocate();
}

template <class List>
void give(List &list, PVOID block, const auto &free) {
  count(list.TotalFrees);
  if (depth(list.ListHead) < __atomic_load_n(&list.Depth, __ATOMIC_RELAXED)) {
    push(list.ListHead, static_cast<PSLIST_ENTRY>(block));
    return;
  }
  count(list.FreeMisses);
  free(block);
}

void free_all(SLIST_HEADER &header, const auto &free) {
  for (PSLIST_ENTRY entry = flush(header); entry;) {
    const PSLIST_ENTRY next = entry->Next;
    free(entry);
    entry = next;
  }
}

// The two old kinds differ in the pool alone.
void initialize_old(GENERAL_LOOKASIDE &list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free, int type, SIZE_T size,
                    ULONG tag) {
  list.Allocate = allocate ? allocate : ExAllocatePoolWithTag;
  list.Free = free ? free : ExFreePool;
  initialize(list, type, size, tag);
}

void delete_old(GENERAL_LOOKASIDE &list) {
  remove(list);
  free_all(list.ListHead, list.Free);
}

PVOID take_old(GENERAL_LOOKASIDE &list) {
  return take(list, [&] { return list.Allocate(list.Type, list.Size, list.Tag); });
}

bool is_pool_type(int type) {
  constexpr int kModifiers = NonPagedPoolSession | NonPagedPoolNx | POOL_COLD_ALLOCATION | POOL_ZERO_ALLOCATION;
  const int base = type & ~kModifiers;
  return base >= NonPagedPool && base < MaxPoolType && base != DontUseThisType;
}

// What both kinds of list begin with.
using AnyList = GENERAL_LOOKASIDE_POOL;

const void *find_in(const LIST_ENTRY &head, const void *start, size_t bytes) {
  for (const LIST_ENTRY *entry = head.Flink; entry != &head; entry = entry->Flink) {
    const AnyList *list = CONTAINING_RECORD(entry, AnyList, ListEntry);
    if (reinterpret_cast<uintptr_t>(list) - reinterpret_cast<uintptr_t>(start) < bytes) return list;
  }
  return nullptr;
}

}  // namespace

const void *find_lookaside_list(const void *start, size_t bytes) {
  base::Guard guard(lists_mutex);
  const void *found = find_in(ExNPagedLookasideListHead, start, bytes);
  return found ? found : find_in(ExPagedLookasideListHead, start, bytes);
}

void boot_lookaside_lists() {
  base::Guard guard(lists_mutex);
  InitializeListHead(&ExNPagedLookasideListHead);
  InitializeListHead(&ExPagedLookasideListHead);
}

}  // namespace ntemu::ex

using namespace ntemu;

VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                     ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth) {
  NT_ENTER(ExInitializeNPagedLookasideList, Lookaside, Allocate, Free, Flags, Size, Tag, Depth);
  ex::initialize_old(Lookaside->L, Allocate, Free, NonPagedPool | static_cast<int>(Flags), Size, Tag);
}

VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
  NT_ENTER(ExDeleteNPagedLookasideList, Lookaside);
  ex::delete_old(Lookaside->L);
}

PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
  NT_ENTER(ExAllocateFromNPagedLookasideList, Lookaside);
  return ex::take_old(Lookaside->L);
}

VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) {
  NT_ENTER(ExFreeToNPagedLookasideList, Lookaside, Entry);
  ex::give(Lookaside->L, Entry, Lookaside->L.Free);
}

VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                    ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth) {
  NT_ENTER(ExInitializePagedLookasideList, Lookaside, Allocate, Free, Flags, Size, Tag, Depth);
  ex::initialize_old(Lookaside->L, Allocate, Free, PagedPool | static_cast<int>(Flags), Size, Tag);
}

VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
  NT_ENTER(ExDeletePagedLookasideList, Lookaside);
  ex::delete_old(Lookaside->L);
}

PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
  NT_ENTER(ExAllocateFromPagedLookasideList, Lookaside);
  return ex::take_old(Lookaside->L);
}

VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) {
  NT_ENTER(ExFreeToPagedLookasideList, Lookaside, Entry);
  ex::give(Lookaside->L, Entry, Lookaside->L.Free);
}

NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                     USHORT Depth) {
  NT_ENTER(ExInitializeLookasideListEx, Lookaside, Allocate, Free, PoolType, Flags, Size, Tag, Depth);
  if (!ex::is_pool_type(PoolType)) return STATUS_INVALID_PARAMETER_4;
  int type = PoolType;
  switch (Flags) {
    case 0:
      break;
    case EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL:
      type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
      break;
    case EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE:
      type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
      break;
    default:
      return STATUS_INVALID_PARAMETER_5;
  }
  Lookaside->L.AllocateEx = Allocate ? Allocate : ex::allocate_by_default;
  Lookaside->L.FreeEx = Free ? Free : ex::free_by_default;
  ex::initialize(Lookaside->L, type, Size, Tag);
  return STATUS_SUCCESS;
}

VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
  NT_ENTER(ExDeleteLookasideListEx, Lookaside);
  ex::remove(Lookaside->L);
  ex::free_all(Lookaside->L.ListHead, [&](PVOID block) { Lookaside->L.FreeEx(block, Lookaside); });
}

VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
  NT_ENTER(ExFlushLookasideListEx, Lookaside);
  ex::free_all(Lookaside->L.ListHead, [&](PVOID block) { Lookaside->L.FreeEx(block, Lookaside); });
}

PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
  NT_ENTER(ExAllocateFromLookasideListEx, Lookaside);
  return ex::take(Lookaside->L, [&] {
    return Lookaside->L.AllocateEx(Lookaside->L.Type, Lookaside->L.Size, Lookaside->L.Tag, Lookaside);
  });
}

VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry) {
  NT_ENTER(ExFreeToLookasideListEx, Lookaside, Entry);
  ex::give(Lookaside->L, Entry, [&](PVOID block) { Lookaside->L.FreeEx(block, Lookaside); });
}
