// Small blocks: a queue of free ones for each size, and the pages that they are cut from, which are never given back.
#pragma once

#include <atomic>

#include "ntemu/base/lock.h"
#include "ntemu/ex/pool_block.h"
#include "ntemu/ex/pool_poison.h"

namespace ntemu::ex {

// How many bytes of the small pool are accessible, from its start on.
extern std::atomic<size_t> small_pool_bytes;
inline bool in_small_pool(const void *address) {
  return reinterpret_cast<uintptr_t>(address) - kSmallPool < small_pool_bytes.load(std::memory_order_acquire);
}

// The size of the blocks in that page of the small pool; 0: it has none.
size_t units_at(const void *address);
// The block whose header or body `address` lies in; null where there is none.
PoolHeader *block_around(const void *address);

// A page of the small pool that belongs to blocks of that size from now on; nullptr when memory is exhausted.
char *take_small_page(size_t units);

class SizeClass {
 public:
  // `damaged`: a free block whose link was overwritten; all that were queued behind it are lost.
  PoolHeader *take(size_t units, FreeBlock *&damaged) NTEMU_EXCLUDES(mutex_) {
    base::Guard guard(mutex_);
    if (!first_ && !refill(units)) return nullptr;
    FreeBlock *block = first_;
    unpoison(block, sizeof(FreeBlock));
    FreeBlock *next = block->next;
    if (next && reinterpret_cast<uintptr_t>(next) - kSmallPool >= kSmallPoolSize) [[unlikely]] {
      damaged = block;
      next = nullptr;
    }
    first_ = next;
    if (!first_) last_ = &first_;
    return reinterpret_cast<PoolHeader *>(block) - 1;
  }
  // To the end of the queue: a freed block is reused as late as possible, so that a use after free meets its old
  // contents.
  void give(PoolHeader *header, size_t units) NTEMU_EXCLUDES(mutex_) {
    auto *block = reinterpret_cast<FreeBlock *>(header + 1);
    base::Guard guard(mutex_);
    append(block, units);
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
  __attribute__((noinline, cold)) bool refill(size_t units) NTEMU_REQUIRES(mutex_) {
    char *page = take_small_page(units);
    if (!page) return false;
    const size_t bytes = units * kUnit;
    for (size_t at = 0; at + bytes <= base::kPageSize; at += bytes) {
      auto *header = reinterpret_cast<PoolHeader *>(page + at);
      store_word(header, fixed_part(header, units));
      append(reinterpret_cast<FreeBlock *>(header + 1), units);
    }
    return true;
  }

  base::Mutex mutex_;
  FreeBlock *first_ NTEMU_GUARDED_BY(mutex_) = nullptr;
  FreeBlock **last_ NTEMU_GUARDED_BY(mutex_) = &first_;
};

}  // namespace ntemu::ex
