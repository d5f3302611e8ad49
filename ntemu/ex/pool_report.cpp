#include "ntemu/ex/pool_report.h"

#include <algorithm>
#include <cstring>

#include "ntemu/base/address.h"
#include "ntemu/base/log.h"
#include "ntemu/base/peek.h"
#include "ntemu/ex/pool_small.h"
#include "ntemu/ke/bugcheck.h"

namespace ntemu::ex {
namespace {

enum : ULONG { kBadPoolHeader = 0x19, kBadPoolCaller = 0xC2, kHeapCorruption = 0x13A };

void tell(std::string_view text) { base::log(base::Level::kError, "pool", text); }

std::string name_of(const PoolBlock &block) {
  return fmt::format("the block at {} ({} bytes of {} pool, tag '{}')", fmt::ptr(block.start), block.bytes,
                     block.paged ? "paged" : "nonpaged", tag_text(block.tag));
}

void tell_sites(const PoolBlock &block, const void *freed_by = nullptr) {
  if (block.site) tell(fmt::format("    allocated: {}", describe_site(block.site)));
  if (freed_by) tell(fmt::format("    freed: {}", describe_site(freed_by)));
}

std::string at_site(const void *site) { return site ? fmt::format(": {}", describe_site(site)) : ""; }

// Not by peek: what is free is poisoned.
__attribute__((no_sanitize("address", "thread"), noinline)) const void *taken_by(const PoolHeader *free_header) {
  return const_cast<const void *const volatile &>(reinterpret_cast<const FreeBlock *>(free_header + 1)->taken_by);
}

// What is to be seen at an address of the pool, up to 8 bytes, none of them on the next page.
ULONG_PTR value_at(const char *address) {
  ULONG_PTR value = 0;
  const size_t left = base::kPageSize - base::address_of(address) % base::kPageSize;
  std::memcpy(&value, address, std::min(left, sizeof value));
  return value;
}

[[noreturn]] void freed_again(const PoolHeader *header, const void *site) {
  PoolBlock block = block_of(header);
  const void *freed_by = block.site;
  block.site = taken_by(header);
  tell(fmt::format("{} is freed once more{}", name_of(block), at_site(site)));
  tell_sites(block, freed_by);
  ke::bugcheck(kBadPoolCaller, 7, 0, load_word(header), base::address_of(block.start));
}

// What Windows says of its pool since that is made of heaps: metadata of a block is overwritten.
[[noreturn]] void heap_is_corrupted(const PoolHeader *header) {
  constexpr ULONG_PTR kMetadata = 0x12;
  ke::bugcheck(kHeapCorruption, kMetadata, base::address_of(PoolTrackTable), base::address_of(header), 0);
}

[[noreturn]] void damaged_header(PoolHeader *header, size_t units, const void *site) {
  tell(fmt::format("the header of the block at {} is overwritten; the block is freed{}", fmt::ptr(header + 1),
                   at_site(site)));
  // Whoever wrote it has most likely come from the block before.
  PoolHeader *before = header - units;
  if (base::address_of(header) % base::kPageSize != 0 && (load_word(before) & kFixed) == fixed_part(before, units)) {
    const PoolBlock block = block_of(before);
    tell(fmt::format("before it is {}", name_of(block)));
    tell_sites(block);
  }
  heap_is_corrupted(header);
}

}  // namespace

PoolBlock block_of(const PoolHeader *header) {
  const uint64_t rest = base::peek(&header->bytes_and_site);
  return {const_cast<PoolHeader *>(header) + 1, rest & 0xffff, base::peek(&header->tag),
          (load_word(header) >> 24 & kPaged) != 0, reinterpret_cast<const void *>(rest >> 16)};
}

std::string tag_text(ULONG tag) {
  std::string text;
  for (int i = 0; i < 4; ++i) {
    const auto letter = static_cast<char>(tag >> 8 * i);
    text += letter >= ' ' && letter <= '~' ? letter : '.';
  }
  return text;
}

void wrong_tag(const PoolBlock &block, ULONG tag, const void *site) {
  tell(fmt::format("{} is freed with the tag '{}'{}", name_of(block), tag_text(tag), at_site(site)));
  tell_sites(block);
  ke::bugcheck(kBadPoolCaller, 0xA, base::address_of(block.start), block.tag, tag);
}

void overrun_block(const PoolBlock &block, const char *first, const void *site) {
  tell(fmt::format("{} was written beyond its end, at {}; it is freed{}", name_of(block), fmt::ptr(first),
                   at_site(site)));
  tell_sites(block);
  ke::bugcheck(kBadPoolHeader, 0x21, base::address_of(block.start), block.bytes, value_at(first));
}

void damaged_next_header(const PoolBlock &block, const PoolHeader *next, const void *site) {
  tell(fmt::format("{} was written beyond its end: the header behind it is overwritten; it is freed{}", name_of(block),
                   at_site(site)));
  tell_sites(block);
  heap_is_corrupted(next);
}

void no_such_large_block(const void *address, const std::optional<FreedBlock> &before, const void *site) {
  if (before) {
    tell(fmt::format("{} is freed once more{}", name_of(before->block), at_site(site)));
    tell_sites(before->block, before->freed_by);
  } else {
    tell(fmt::format("{} is freed, and is no block of pool{}", fmt::ptr(address), at_site(site)));
  }
  ke::bugcheck(kBadPoolHeader, 0x22, base::address_of(address), 0, 0);
}

void not_in_pool(const void *address, const void *site) {
  tell(fmt::format("{} is freed, and was never in any pool{}", fmt::ptr(address), at_site(site)));
  ke::bugcheck(kBadPoolCaller, base::in_arena(address) ? 0x43 : 0x42, base::address_of(address), 0, 0);
}

void bad_small_block(const void *address, const void *site) {
  PoolHeader *header = block_around(address);
  const size_t units = units_at(address);
  if (!header) not_in_pool(address, site);
  if (address == header + 1) {
    const uint32_t word = load_word(header);
    const UCHAR type = static_cast<UCHAR>(word >> 24);
    const bool fits = (word & kFixed) == fixed_part(header, units);
    if (fits && type == kFreeBlock) freed_again(header, site);
    damaged_header(header, units, site);
  }
  const PoolBlock block = block_of(header);
  tell(fmt::format("{} is freed, which lies in the middle of {}{}", fmt::ptr(address), name_of(block), at_site(site)));
  tell_sites(block);
  ke::bugcheck(kBadPoolCaller, 0x43, base::address_of(address), 0, 0);
}

void damaged_free_block(FreeBlock *block) {
  const PoolHeader *header = reinterpret_cast<const PoolHeader *>(block) - 1;
  tell(fmt::format("{} was written after it was freed", name_of(block_of(header))));
  tell_sites({}, block_of(header).site);
  ke::bugcheck(kBadPoolHeader, 0x3, base::address_of(block), base::address_of(base::peek(&block->next)), 0);
}

}  // namespace ntemu::ex
