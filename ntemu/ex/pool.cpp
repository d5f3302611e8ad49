// The pool: small blocks in size classes that never cross a page, large ones in pages of their own.
#include "ntemu/ex/pool.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ex/lookaside.h"
#include "ntemu/ex/pool_large.h"
#include "ntemu/ex/pool_report.h"
#include "ntemu/ex/pool_small.h"
#include "ntemu/ex/pool_track.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ex/special_pool.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/rtl/memory.h"

namespace ntemu::ex {
namespace {

constinit std::array<SizeClass, base::kPageSize / kUnit + 1> size_classes;

void *take_small(SIZE_T bytes, ULONG tag, bool paged, const void *site) {
  const size_t units = (bytes + red_zone() + sizeof(PoolHeader) + kUnit - 1) / kUnit + (bytes == 0);
  FreeBlock *damaged = nullptr;
  PoolHeader *header = size_classes[units].take(units, damaged);
  if (damaged) [[unlikely]]
    damaged_free_block(damaged);
  if (!header) return nullptr;
  header->tag = tag;
  header->set(bytes, site);
  if (!poisons()) mark_tail(header, units);
  store_type(header, static_cast<UCHAR>(kInUse | (paged ? kPaged : 0)));
  unpoison(header + 1, bytes);
  return header + 1;
}

void *allocate(SIZE_T bytes, ULONG tag, bool paged, bool zero, const void *site) {
  void *body;
  if (bytes + red_zone() <= kLargest) {
    body = take_small(bytes, tag, paged, site);
    if (body && zero) std::memset(body, 0, bytes);
  } else {
    body = take_large(bytes, tag, paged, site);
  }
  if (!body) return nullptr;
  track(tag, paged, bytes, true);
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->taken(body, bytes, tag);
  return body;
}

__attribute__((noinline, cold)) void check_end(PoolHeader *header, size_t units, const void *site) {
  const SIZE_T bytes = header->bytes();
  if (bytes > units * kUnit - sizeof(PoolHeader)) bad_small_block(header + 1, site);
  const size_t tail = tail_bytes(units, bytes);
  if (const unsigned damage = damaged_tail(header, units, tail)) {
    overrun_block(block_of(header), end_of(header, units) - tail + __builtin_ctz(damage), site);
  }
  damaged_next_header(block_of(header), next_in_page(header, units), site);
}

// Whether nothing was written beyond the end of the block.
bool ends_well(PoolHeader *header, size_t units) {
  const size_t tail = tail_bytes(units, header->bytes());
  if (tail > kUnit || damaged_tail(header, units, tail) != 0) return false;
  const PoolHeader *next = next_in_page(header, units);
  return !next || (load_word(next) & kFixed) == fixed_part(next, units);
}

__attribute__((noinline, cold)) void release_elsewhere(void *block, ULONG tag, const void *site) {
  const auto address = reinterpret_cast<ULONG_PTR>(block);
  if (address - kSpecialPool < kSpecialPoolSize) return free_special(block, tag, site);
  if (in_small_pool(block)) bad_small_block(block, site);
  if (!base::in_arena(block) || address % base::kPageSize != 0) not_in_pool(block, site);
  free_large(block, tag, site);
}

[[gnu::always_inline]] inline void release(void *block, ULONG tag, const void *site) {
  const auto address = reinterpret_cast<ULONG_PTR>(block);
  if (!in_small_pool(block) || address % base::kPageSize == 0 || address % kUnit != 0) [[unlikely]]
    return release_elsewhere(block, tag, site);
  PoolHeader *header = static_cast<PoolHeader *>(block) - 1;
  const uint32_t word = load_word(header);
  const size_t units = word >> 16 & 0xff;
  UCHAR type = static_cast<UCHAR>(word >> 24);
  if ((word & kFixed) != fixed_part(header, units) || (type & ~kPaged) != kInUse) [[unlikely]]
    bad_small_block(block, site);
  if (!tags_match(header->tag, tag)) [[unlikely]]
    wrong_tag(block_of(header), tag, site);
  if (!poisons() && !ends_well(header, units)) [[unlikely]]
    check_end(header, units, site);
  if (!__atomic_compare_exchange_n(&header->pool_type, &type, UCHAR{kFreeBlock}, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE)) [[unlikely]] {
    bad_small_block(block, site);
  }
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->given(block);
  const SIZE_T bytes = header->bytes();
  track(header->tag, type & kPaged, bytes, false);
  // Both sites stay, for who frees it again.
  unpoison(block, sizeof(FreeBlock));
  static_cast<FreeBlock *>(block)->taken_by = header->site();
  header->set(bytes, site);
  size_classes[units].give(header, units);
}

// The size that a block on a cache line of its own is taken with: a large block's page is aligned enough.
SIZE_T cache_aligned(SIZE_T bytes) { return bytes <= kLargest ? kLargest + 1 : bytes; }

// What a POOL_TYPE asks for: the pool, its alignment, zeroing, and an exception where there is no memory.
void *allocate_typed(POOL_TYPE type, SIZE_T bytes, ULONG tag, bool zero, const void *site) {
  const SIZE_T wanted = type & NonPagedPoolCacheAligned ? cache_aligned(bytes) : bytes;
  void *block = allocate(wanted, tag, type & PagedPool, zero || (type & POOL_ZERO_ALLOCATION), site);
  if (!block && (type & POOL_RAISE_IF_ALLOCATION_FAILURE)) ke::raise_status(STATUS_INSUFFICIENT_RESOURCES);
  return block;
}

constexpr ULONG kStringTag = 0x72745352;  // 'RStr'

void *allocate_string(size_t bytes) { return allocate(bytes, kStringTag, true, false, __builtin_return_address(0)); }
void free_string(void *buffer) { release(buffer, kStringTag, __builtin_return_address(0)); }

std::string describe_address(const void *site) {
  return fmt::format("{}{}", fmt::ptr(site), ke::describe_address(site));
}

}  // namespace

std::atomic<const PoolWatch *> pool_watch{nullptr};
std::string (*describe_site)(const void *site) = describe_address;

SIZE_T block_bytes(const void *block) {
  const PoolLook look = look_at_pool(block);
  return look.what == PoolLook::kBlock ? look.block.bytes : 0;
}

void boot() {
  boot_time();
  rtl::allocate_string = allocate_string;
  rtl::free_string = free_string;
  boot_lookaside_lists();
  boot_resources();
}

void *allocate_pool(const PoolRequest &request) {
  const SIZE_T bytes = request.cache_aligned() ? cache_aligned(request.bytes) : request.bytes;
  return allocate(bytes, request.tag, request.paged(), request.zero, request.site);
}

std::optional<PoolRequest> parse_request(POOL_FLAGS flags, SIZE_T bytes, ULONG tag, const void *site) {
  constexpr POOL_FLAGS kRequired = 0xffffffff;
  constexpr POOL_FLAGS kKnown = POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_CACHE_ALIGNED |
                                POOL_FLAG_RAISE_ON_FAILURE | POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE |
                                POOL_FLAG_PAGED;
  constexpr POOL_FLAGS kPools = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
  if (tag == 0 || bytes == 0 || (flags & kRequired & ~kKnown) || __builtin_popcountll(flags & kPools) != 1)
    return std::nullopt;
  int type = flags & POOL_FLAG_PAGED ? PagedPool : flags & POOL_FLAG_NON_PAGED ? NonPagedPoolNx : NonPagedPool;
  if (flags & POOL_FLAG_CACHE_ALIGNED) type |= NonPagedPoolCacheAligned;
  return PoolRequest{static_cast<POOL_TYPE>(type), bytes, tag, !(flags & POOL_FLAG_UNINITIALIZED), site};
}

}  // namespace ntemu::ex

using namespace ntemu;

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePool2, Flags, NumberOfBytes, Tag);
  const auto request = ex::parse_request(Flags, NumberOfBytes, Tag, __builtin_return_address(0));
  PVOID block = nullptr;
  if (Flags & POOL_FLAG_SPECIAL_POOL) [[unlikely]] {
    if (request) block = ex::take_special(*request, ex::SpecialAlignment::kEnd);
  }
  if (!block && request) block = ex::allocate_pool(*request);
  if (!block && (Flags & POOL_FLAG_RAISE_ON_FAILURE)) {
    ke::raise_status(request ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER);
  }
  return block;
}

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolWithTag, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, false, __builtin_return_address(0));
}

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  NT_ENTER(ExAllocatePool, PoolType, NumberOfBytes);
  return ex::allocate_typed(PoolType, NumberOfBytes, ex::kNoTag, false, __builtin_return_address(0));
}

PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolZero, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, true, __builtin_return_address(0));
}

PVOID ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  NT_ENTER(ExAllocatePoolUninitialized, PoolType, NumberOfBytes, Tag);
  return ex::allocate_typed(PoolType, NumberOfBytes, Tag, false, __builtin_return_address(0));
}

VOID ExFreePool(PVOID P) {
  NT_ENTER(ExFreePool, P);
  ex::release(P, 0, __builtin_return_address(0));
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag) {
  NT_ENTER(ExFreePoolWithTag, P, Tag);
  ex::release(P, Tag, __builtin_return_address(0));
}
