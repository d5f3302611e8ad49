// Questions about blocks of pool, whichever kind they are of.
#include "ntemu/base/peek.h"
#include "ntemu/ex/pool_large.h"
#include "ntemu/ex/pool_report.h"
#include "ntemu/ex/pool_small.h"
#include "ntemu/ex/special_pool.h"

namespace ntemu::ex {
namespace {

PoolLook look_at_special(const void *address) {
  PoolLook look;
  look.special = true;
  const SpecialRun *run = find_special(address);
  if (!run) return look;
  look.block = run->block;
  const auto state = run->state.load(std::memory_order_acquire);
  look.what = address != run->block.start   ? PoolLook::kInside
              : state == SpecialRun::kTaken ? PoolLook::kBlock
                                            : PoolLook::kFreed;
  return look;
}

void find_overrun(PoolHeader *header, size_t units, PoolLook &look) {
  if (poisons()) return;
  const size_t tail = tail_bytes(units, look.block.bytes);
  if (const unsigned damage = damaged_tail(header, units, tail)) {
    look.overrun = end_of(header, units) - tail + __builtin_ctz(damage);
    return;
  }
  const PoolHeader *next = next_in_page(header, units);
  if (!next || (load_word(next) & kFixed) == fixed_part(next, units)) return;
  look.overrun = next;
  look.next_header_damaged = true;
}

PoolLook look_at_small(const void *address) {
  PoolLook look;
  PoolHeader *header = block_around(address);
  if (!header) return look;
  const size_t units = units_at(address);
  const uint32_t word = load_word(header);
  look.header = header;
  look.header_contents = word | static_cast<ULONG_PTR>(base::peek(&header->tag)) << 32;
  look.block = block_of(header);
  const bool fits =
      (word & kFixed) == fixed_part(header, units) && tail_bytes(units, look.block.bytes) <= kUnit + red_zone();
  const UCHAR type = static_cast<UCHAR>(word >> 24);
  if (address != header + 1) {
    look.what = PoolLook::kInside;
  } else if (fits && type == kFreeBlock) {
    look.what = PoolLook::kFreed;
  } else if (!fits || (type & ~kPaged) != kInUse) {
    look.what = PoolLook::kDamaged;
  } else {
    look.what = PoolLook::kBlock;
    find_overrun(header, units, look);
  }
  return look;
}

void for_each_small(const std::function<void(const PoolBlock &)> &visit) {
  const size_t end = small_pool_bytes.load(std::memory_order_acquire);
  for (size_t page = 0; page < end; page += base::kPageSize) {
    const auto *first = reinterpret_cast<const char *>(kSmallPool + page);
    const size_t bytes = units_at(first) * kUnit;
    if (bytes == 0) continue;
    for (size_t at = 0; at + bytes <= base::kPageSize; at += bytes) {
      const auto *header = reinterpret_cast<const PoolHeader *>(first + at);
      const uint32_t word = load_word(header);
      if ((word & kFixed) == fixed_part(header, bytes / kUnit) && (static_cast<UCHAR>(word >> 24) & ~kPaged) == kInUse)
        visit(block_of(header));
    }
  }
}

}  // namespace

PoolLook look_at_pool(const void *address, bool may_lock) {
  const auto place = reinterpret_cast<uintptr_t>(address);
  if (place - kSpecialPool < kSpecialPoolSize) return look_at_special(address);
  if (in_small_pool(address)) return look_at_small(address);
  PoolLook look;
  if (!base::in_arena(address) || !may_lock) return look;
  const auto block = find_large(address);
  if (!block) return look;
  look.block = *block;
  look.what = address == block->start ? PoolLook::kBlock : PoolLook::kInside;
  if (look.what == PoolLook::kBlock) look.overrun = find_large_overrun(*block);
  return look;
}

void forget_site(void *block) {
  if (reinterpret_cast<uintptr_t>(block) - kSpecialPool < kSpecialPoolSize) return forget_special_site(block);
  if (!in_small_pool(block)) return forget_large_site(block);
  PoolHeader *header = static_cast<PoolHeader *>(block) - 1;
  header->set(header->bytes(), nullptr);
}

void for_each_pool_block(const std::function<void(const PoolBlock &)> &visit) {
  for_each_small(visit);
  for_each_large(visit);
  for_each_special(visit);
}

}  // namespace ntemu::ex
