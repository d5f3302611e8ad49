// The special pool: each block at the end (or the start) of pages of its own, with a page behind them that nobody may
// touch. A freed block's pages are inaccessible, and stay unused for as long as there are enough others.
#pragma once

#include <array>
#include <atomic>
#include <span>

#include "ntemu/ex/pool.h"
#include "ntemu/ex/pool_block.h"

namespace ntemu::ex {

// A call stack, innermost return address first.
struct PoolStack {
  static constexpr size_t kMost = 16;
  std::array<const void *, kMost> frames;
  size_t count = 0;
  std::span<const void *const> used() const { return {frames.data(), count}; }
};

// Pages that belong together, for good: they are reused as one. Found without a lock, also by a signal handler, so that
// what it says may be about to change.
struct SpecialRun {
  enum State : uint32_t { kUnused, kTaken, kFreed };
  std::atomic<State> state{kUnused};
  char *pages;   // the first
  size_t bytes;  // of all pages but the guard, which follows them
  PoolBlock block;
  POOL_TYPE type;
  PoolStack taken, freed;
  CLIENT_ID taken_by, freed_by;
  SpecialRun *next;
  // Of special_paging.cpp.
  struct Paging {
    std::atomic<uint32_t> word{0};
    std::atomic<bool> listed{false};
    const SpecialRun *next = nullptr;
  };
  mutable Paging paging = {};

  char *guard() const { return pages + bytes; }
};

enum class SpecialAlignment { kEnd, kStart };

// Larger blocks, and those under a sanitizer, which finds the same errors itself, are left to the ordinary pool; so are
// all while too many are allocated or memory is exhausted: then nullptr. A block of a page or more begins on a page.
// `pageable`: trim_special_pool may trim it.
void *take_special(const PoolRequest &request, SpecialAlignment alignment, bool pageable = false);
// Does not return where no block of the special pool begins at `block`, or the bytes around it were written.
void free_special(void *block, ULONG tag, const void *site);

// The run that a page belongs to, also as its guard; null where there was never one.
const SpecialRun *find_special(const void *address);
void forget_special_site(void *block);
void for_each_special(const std::function<void(const PoolBlock &)> &visit);

// For debuggers: where a pointer to what has the runs' table is, and the table's place in that.
struct SpecialPoolRoot {
  const void *pointer;
  size_t runs;
};
SpecialPoolRoot special_pool_root();

struct SpecialPoolUse {
  size_t taken = 0;     // blocks that are allocated
  size_t waiting = 0;   // freed, and not to be reused yet
  size_t unused = 0;    // to be reused
  size_t pages = 0;     // of the address range that have ever been used
  uint64_t served = 0;  // requests in all
  uint64_t missed = 0;  // requests that the ordinary pool had to meet
};
SpecialPoolUse special_pool_use();

// Who takes and frees, for the record; set by vf. By default nothing is known but the call itself.
extern std::atomic<void (*)(PoolStack &stack)> capture_pool_stack;

}  // namespace ntemu::ex
