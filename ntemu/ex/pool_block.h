// A small block of pool: a header, which fills one unit, and the units behind it. All blocks of a page have one size.
#pragma once

#include <emmintrin.h>

#include <cstdint>

#include "ntemu/base/pages.h"
#include "ntifs.h"

namespace ntemu::ex {

inline constexpr size_t kUnit = 16;

// The quarters of the arena that belong to the pool; a large block's pages come from its lower half.
inline constexpr uintptr_t kSmallPool = base::kCommittedApart;
inline constexpr size_t kSmallPoolSize = base::kArenaSize / 4;
inline constexpr uintptr_t kSpecialPool = kSmallPool + kSmallPoolSize;
inline constexpr size_t kSpecialPoolSize = base::kArenaSize / 4;

enum : UCHAR { kFreeBlock = 0, kPaged = 1, kInUse = 2 };

struct PoolHeader {
  UCHAR previous_size;  // that of the block before it in the page, in units; 0 in the first
  UCHAR check;          // made of its place: what a stray write leaves hardly fits
  UCHAR block_size;     // in units, header included
  UCHAR pool_type;      // kFreeBlock, or kInUse and the pool
  ULONG tag;
  // As asked for; above that the return address of who took the block, or, of a free one, of who freed it.
  uint64_t bytes_and_site;

  SIZE_T bytes() const { return bytes_and_site & 0xffff; }
  const void *site() const { return reinterpret_cast<const void *>(bytes_and_site >> 16); }
  void set(SIZE_T bytes, const void *site) { bytes_and_site = bytes | reinterpret_cast<uint64_t>(site) << 16; }
};
static_assert(sizeof(PoolHeader) == kUnit);

// PoolHeader::block_size has room for 255 units.
inline constexpr size_t kLargest = 255 * kUnit - sizeof(PoolHeader);

// What the body of a free block begins with.
struct FreeBlock {
  FreeBlock *next;
  const void *taken_by;
};
static_assert(sizeof(FreeBlock) <= kUnit);

// The first four bytes of a header as one word; the last of them alone changes.
inline constexpr uint32_t kFixed = 0x00ffffff;
inline uint32_t load_word(const PoolHeader *header) {
  using Aliased __attribute__((may_alias)) = uint32_t;
  return __atomic_load_n(reinterpret_cast<const Aliased *>(header), __ATOMIC_ACQUIRE);
}
inline void store_word(PoolHeader *header, uint32_t word) {
  using Aliased __attribute__((may_alias)) = uint32_t;
  __atomic_store_n(reinterpret_cast<Aliased *>(header), word, __ATOMIC_RELEASE);
}
// The whole word: the load of it that may come next would wait for a byte.
inline void store_type(PoolHeader *header, UCHAR type) {
  store_word(header, (load_word(header) & kFixed) | uint32_t{type} << 24);
}
inline uint32_t fixed_part(const PoolHeader *header, size_t units) {
  const auto at = reinterpret_cast<uintptr_t>(header);
  const size_t previous = at % base::kPageSize == 0 ? 0 : units;
  const size_t check = ((at >> 4) * 0x9d ^ at >> 12 ^ 0x5b) & 0xff;
  return static_cast<uint32_t>(previous | check << 8 | units << 16);
}

// Behind the bytes that were asked for, up to the end of the block. No byte is 0, which is what strings end with.
alignas(kUnit) inline constexpr unsigned char kTailPattern[kUnit] = {0xca, 0x91, 0xa8, 0x4b, 0xf3, 0x2e, 0x9d, 0x79,
                                                                     0xd4, 0x52, 0x81, 0x15, 0xbc, 0x67, 0xe6, 0x3d};
inline __m128i load_unit(const void *unit) { return _mm_load_si128(static_cast<const __m128i *>(unit)); }
inline char *end_of(PoolHeader *header, size_t units) { return reinterpret_cast<char *>(header) + units * kUnit; }
// Writes a whole unit, of which the bytes that were asked for may have a part.
inline void mark_tail(PoolHeader *header, size_t units) {
  _mm_store_si128(reinterpret_cast<__m128i *>(end_of(header, units) - kUnit), load_unit(kTailPattern));
}
inline size_t tail_bytes(size_t units, SIZE_T bytes) { return units * kUnit - sizeof(PoolHeader) - bytes; }
// One bit for each byte of the last unit that is not as mark_tail left it and was not asked for; `tail` <= kUnit.
inline unsigned damaged_tail(PoolHeader *header, size_t units, size_t tail) {
  const __m128i found = load_unit(end_of(header, units) - kUnit);
  const int same = _mm_movemask_epi8(_mm_cmpeq_epi8(found, load_unit(kTailPattern)));
  return (~static_cast<unsigned>(same) & 0xffff) >> (kUnit - tail);
}
// The header behind this one in the same page; null for the last.
inline PoolHeader *next_in_page(PoolHeader *header, size_t units) {
  char *end = end_of(header, units);
  const uintptr_t at = reinterpret_cast<uintptr_t>(end) % base::kPageSize;
  if (at == 0 || at + units * kUnit > base::kPageSize) return nullptr;
  return reinterpret_cast<PoolHeader *>(end);
}

}  // namespace ntemu::ex
