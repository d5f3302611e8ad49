// The pool: small blocks in size classes that never cross a page, large ones in pages of their own.
#include "ntemu/ex/pool.h"

#include <array>
#include <cstring>
#include <map>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/pages.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ex/lookaside.h"
#include "ntemu/ex/pool_poison.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/rtl/memory.h"

extern "C" {
__attribute__((visibility("default"))) POOL_TRACKER_TABLE *PoolTrackTable = nullptr;
__attribute__((visibility("default"))) SIZE_T PoolTrackTableSize = 0;
}

namespace ntemu::ex {
namespace {

struct PoolHeader {
  UCHAR previous_size;
  UCHAR pool_index;
  UCHAR block_size;  // 16-byte units, header included
  UCHAR pool_type;   // kFreeBlock, or kInUse and the pool
  ULONG tag;
  SIZE_T bytes;  // as asked for
};
static_assert(sizeof(PoolHeader) == 16);

enum : UCHAR { kFreeBlock = 0, kInUse = 2, kPaged = 1 };

constexpr size_t kUnit = 16;
// PoolHeader::block_size has room for 255 units.
constexpr size_t kLargest = 255 * kUnit - sizeof(PoolHeader);

struct FreeBlock {
  FreeBlock *next;
};

class SizeClass {
 public:
  PoolHeader *take(size_t units) NTEMU_EXCLUDES(mutex_) {
    base::Guard guard(mutex_);
    if (!first_ && !refill(units)) return nullptr;
    FreeBlock *block = first_;
    unpoison(block, sizeof(FreeBlock));
    first_ = block->next;
    if (!first_) last_ = &first_;
    return reinterpret_cast<PoolHeader *>(block) - 1;
  }
  // To the end of the queue: a freed block is reused as late as possible, so that a use after free meets its old
  // contents.
  void give(PoolHeader *header) NTEMU_EXCLUDES(mutex_) {
    auto *block = reinterpret_cast<FreeBlock *>(header + 1);
    base::Guard guard(mutex_);
    append(block, header->block_size);
  }

 private:
  void append(FreeBlock *block, size_t units) NTEMU_REQUIRES(mutex_) {
    block->next = nullptr;
    if (last_ != &first_) unpoison(last_, sizeof(void *));
    *last_ = block;
    if (last_ != &first_) poison(last_, sizeof(void *));
    last_ = &block->next;
    poison(block, units * kUnit - sizeof(PoolHeader));
  }
  bool refill(size_t units) NTEMU_REQUIRES(mutex_) {
    auto *page = static_cast<char *>(base::map_pages(base::kPageSize));
    if (!page) return false;
    const size_t bytes = units * kUnit;
    for (size_t at = 0; at + bytes <= base::kPageSize; at += bytes) {
      auto *header = reinterpret_cast<PoolHeader *>(page + at);
      header->block_size = static_cast<UCHAR>(units);
      append(reinterpret_cast<FreeBlock *>(header + 1), units);
    }
    return true;
  }

  base::Mutex mutex_;
  FreeBlock *first_ NTEMU_GUARDED_BY(mutex_) = nullptr;
  FreeBlock **last_ NTEMU_GUARDED_BY(mutex_) = &first_;
};

struct LargeBlock {
  SIZE_T bytes;
  ULONG tag;
  bool paged;
};

struct Pool {
  std::array<SizeClass, base::kPageSize / kUnit + 1> classes;
  base::Mutex mutex;
  std::map<void *, LargeBlock> large NTEMU_GUARDED_BY(mutex);
};

Pool &pool() {
  static Pool *the_pool = new Pool;
  return *the_pool;
}

// The row of `tag`, made on first use; the last row collects what finds no room.
POOL_TRACKER_TABLE &tracker(ULONG tag) {
  static POOL_TRACKER_TABLE table[1024];
  static const bool published = [] {
    PoolTrackTable = table;
    PoolTrackTableSize = std::size(table);
    return true;
  }();
  (void)published;
  constexpr size_t kRows = std::size(table) - 1;
  for (size_t i = 0, at = tag * 2654435761u % kRows; i < kRows; ++i, at = (at + 1) % kRows) {
    ULONG key = __atomic_load_n(&table[at].Key, __ATOMIC_ACQUIRE);
    if (key == tag) return table[at];
    if (key == 0 && __atomic_compare_exchange_n(&table[at].Key, &key, tag, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      return table[at];
    }
    if (key == tag) return table[at];
  }
  return table[kRows];
}

void track(ULONG tag, bool paged, SIZE_T bytes, bool allocated) {
  POOL_TRACKER_TABLE &row = tracker(tag);
  const SIZE_T change = allocated ? bytes : ~bytes + 1;
  SIZE_T &count =
      paged ? (allocated ? row.PagedAllocs : row.PagedFrees) : (allocated ? row.NonPagedAllocs : row.NonPagedFrees);
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(paged ? &row.PagedBytes : &row.NonPagedBytes, change, __ATOMIC_RELAXED);
}

// What a large block leaves of its last page.
size_t tail(SIZE_T bytes) { return (base::kPageSize - bytes % base::kPageSize) % base::kPageSize; }

void *allocate(SIZE_T bytes, ULONG tag, bool paged, bool zero) {
  void *body;
  if (bytes + red_zone() <= kLargest) {
    const size_t units = (bytes + red_zone() + sizeof(PoolHeader) + kUnit - 1) / kUnit + (bytes == 0);
    PoolHeader *header = pool().classes[units].take(units);
    if (!header) return nullptr;
    header->pool_type = static_cast<UCHAR>(kInUse | (paged ? kPaged : 0));
    header->tag = tag;
    header->bytes = bytes;
    body = header + 1;
    unpoison(body, bytes);
    if (zero) std::memset(body, 0, bytes);
  } else {
    body = base::map_pages(bytes);
    if (!body) return nullptr;
    poison(static_cast<char *>(body) + bytes, tail(bytes));
    base::Guard guard(pool().mutex);
    pool().large[body] = {bytes, tag, paged};
  }
  track(tag, paged, bytes, true);
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->taken(body, bytes, tag);
  return body;
}

[[noreturn]] void bad_pool_caller(ULONG_PTR kind, ULONG_PTR second, const void *block, ULONG_PTR fourth) {
  ke::bugcheck(0xC2, kind, second, fourth, reinterpret_cast<ULONG_PTR>(block));
}

// The tag without the protection bit, which drivers may pass when they free.
ULONG plain_tag(ULONG tag) { return tag & 0x7fffffff; }

void check_tag(const void *block, ULONG allocated, ULONG freed) {
  if (freed != 0 && plain_tag(allocated) != plain_tag(freed)) {
    ke::bugcheck(0xC2, 0xA, reinterpret_cast<ULONG_PTR>(block), allocated, freed);
  }
}

void release(void *block, ULONG tag) {
  const auto address = reinterpret_cast<ULONG_PTR>(block);
  if (!base::in_arena(block) || address % kUnit != 0) bad_pool_caller(0x42, address, block, 0);
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->given(block);
  if (address % base::kPageSize == 0) {
    LargeBlock found;
    {
      base::Guard guard(pool().mutex);
      const auto at = pool().large.find(block);
      if (at == pool().large.end()) {
        found.bytes = 0;
      } else {
        found = at->second;
        if (tag == 0 || plain_tag(tag) == plain_tag(found.tag)) pool().large.erase(at);
      }
    }
    if (found.bytes == 0) bad_pool_caller(0x42, address, block, 0);
    check_tag(block, found.tag, tag);
    track(found.tag, found.paged, found.bytes, false);
    unpoison(static_cast<char *>(block) + found.bytes, tail(found.bytes));
    base::unmap_pages(block, found.bytes);
    return;
  }
  PoolHeader *header = static_cast<PoolHeader *>(block) - 1;
  UCHAR type = __atomic_load_n(&header->pool_type, __ATOMIC_ACQUIRE);
  if (type == kFreeBlock) bad_pool_caller(7, 0, block, header->tag);
  if ((type & ~kPaged) != kInUse) bad_pool_caller(0x42, address, block, 0);
  check_tag(block, header->tag, tag);
  if (!__atomic_compare_exchange_n(&header->pool_type, &type, UCHAR{kFreeBlock}, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE)) {
    bad_pool_caller(7, 0, block, header->tag);
  }
  track(header->tag, type & kPaged, header->bytes, false);
  pool().classes[header->block_size].give(header);
}

// The size that a block on a cache line of its own is taken with: a large block's page is aligned enough.
SIZE_T cache_aligned(SIZE_T bytes) { return bytes <= kLargest ? kLargest + 1 : bytes; }

// What a POOL_TYPE asks for: the pool, its alignment, zeroing, and an exception where there is no memory.
void *allocate_typed(POOL_TYPE type, SIZE_T bytes, ULONG tag, bool zero) {
  const SIZE_T wanted = type & NonPagedPoolCacheAligned ? cache_aligned(bytes) : bytes;
  void *block = allocate(wanted, tag, type & PagedPool, zero || (type & POOL_ZERO_ALLOCATION));
  if (!block && (type & POOL_RAISE_IF_ALLOCATION_FAILURE)) ke::raise_status(STATUS_INSUFFICIENT_RESOURCES);
  return block;
}

constexpr ULONG kStringTag = 0x72745352;  // 'RStr'

void *allocate_string(size_t bytes) { return allocate(bytes, kStringTag, true, false); }
void free_string(void *buffer) { release(buffer, kStringTag); }

}  // namespace

std::atomic<const PoolWatch *> pool_watch{nullptr};

void boot() {
  boot_time();
  rtl::allocate_string = allocate_string;
  rtl::free_string = free_string;
  boot_lookaside_lists();
  boot_resources();
}

PoolUse pool_use() {
  PoolUse use{};
  for (SIZE_T i = 0; i < PoolTrackTableSize; ++i) {
    const POOL_TRACKER_TABLE &row = PoolTrackTable[i];
    use.bytes +=
        __atomic_load_n(&row.NonPagedBytes, __ATOMIC_RELAXED) + __atomic_load_n(&row.PagedBytes, __ATOMIC_RELAXED);
    use.blocks +=
        __atomic_load_n(&row.NonPagedAllocs, __ATOMIC_RELAXED) - __atomic_load_n(&row.NonPagedFrees, __ATOMIC_RELAXED);
    use.blocks +=
        __atomic_load_n(&row.PagedAllocs, __ATOMIC_RELAXED) - __atomic_load_n(&row.PagedFrees, __ATOMIC_RELAXED);
  }
  return use;
}

}  // namespace ntemu::ex

using namespace ntemu;

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePool2, Flags, NumberOfBytes, Tag);
  constexpr POOL_FLAGS kRequired = 0xffffffff;
  constexpr POOL_FLAGS kKnown = POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_CACHE_ALIGNED |
                                POOL_FLAG_RAISE_ON_FAILURE | POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE |
                                POOL_FLAG_PAGED;
  constexpr POOL_FLAGS kPools = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
  const bool valid =
      Tag != 0 && NumberOfBytes != 0 && !(Flags & kRequired & ~kKnown) && __builtin_popcountll(Flags & kPools) == 1;
  const SIZE_T bytes = Flags & POOL_FLAG_CACHE_ALIGNED ? ex::cache_aligned(NumberOfBytes) : NumberOfBytes;
  PVOID block = nullptr;
  if (valid) block = ex::allocate(bytes, Tag, (Flags & POOL_FLAG_PAGED) != 0, !(Flags & POOL_FLAG_UNINITIALIZED));
  if (!block && (Flags & POOL_FLAG_RAISE_ON_FAILURE)) {
    ke::raise_status(valid ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER);
  }
  return block;
}

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolWithTag, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, false);
}

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  NT_ENTER(ExAllocatePool, PoolType, NumberOfBytes);
  return ex::allocate_typed(PoolType, NumberOfBytes, 0x656e6f4e, false);  // 'None'
}

PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolZero, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, true);
}

PVOID ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolUninitialized, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, false);
}

VOID ExFreePool(PVOID P) {
  NT_ENTER(ExFreePool, P);
  ex::release(P, 0);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag) {
  NT_ENTER(ExFreePoolWithTag, P, Tag);
  ex::release(P, Tag);
}
