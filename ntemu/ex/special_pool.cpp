#include "ntemu/ex/special_pool.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "ntemu/base/address.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/ex/pool_poison.h"
#include "ntemu/ex/pool_report.h"
#include "ntemu/ex/pool_track.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ex {
namespace {

constexpr ULONG kMemoryCorruption = 0xC1;
constexpr size_t kMostPages = 256;           // of one block
constexpr size_t kMostTaken = 16384;         // each costs the host two mappings, of 65,530 that a process may have
constexpr size_t kMostWaiting = 8192;        // freed blocks that are not reused,
constexpr size_t kMostWaitingPages = 65536;  // or these pages of them
constexpr size_t kTablePages = kSpecialPoolSize / base::kPageSize;
constexpr size_t kSlab = 1 << 16;

struct Queue {
  SpecialRun *first = nullptr, *last = nullptr;
  size_t length = 0;
  void append(SpecialRun *run) {
    run->next = nullptr;
    (last ? last->next : first) = run;
    last = run;
    ++length;
  }
  SpecialRun *take() {
    SpecialRun *run = first;
    if (!run) return nullptr;
    first = run->next;
    if (!first) last = nullptr;
    --length;
    return run;
  }
};

struct Special {
  base::Mutex mutex;
  std::atomic<SpecialRun *> *runs;               // by page, the guards too; null when the arena is exhausted
  size_t next_page NTEMU_GUARDED_BY(mutex) = 1;  // the first page guards the second
  Queue unused[kMostPages + 1] NTEMU_GUARDED_BY(mutex);
  Queue waiting NTEMU_GUARDED_BY(mutex);
  size_t waiting_pages NTEMU_GUARDED_BY(mutex) = 0;
  size_t reusable NTEMU_GUARDED_BY(mutex) = 0;
  size_t taken NTEMU_GUARDED_BY(mutex) = 0;
  uint64_t served NTEMU_GUARDED_BY(mutex) = 0;
  uint64_t missed NTEMU_GUARDED_BY(mutex) = 0;
  char *slab NTEMU_GUARDED_BY(mutex) = nullptr;  // where further runs are made
  size_t slab_left NTEMU_GUARDED_BY(mutex) = 0;
};

// Set once and for all by the first request; a signal handler must not run into its making.
std::atomic<Special *> the_special{nullptr};

Special &special() {
  static Special *all = [] {
    auto *fresh = new Special;
    fresh->runs = static_cast<std::atomic<SpecialRun *> *>(base::map_pages(kTablePages * sizeof(void *)));
    the_special.store(fresh, std::memory_order_release);
    return fresh;
  }();
  return *all;
}

size_t pages_of(const SpecialRun &run) { return run.bytes / base::kPageSize; }
size_t page_number(const void *address) {
  return (reinterpret_cast<uintptr_t>(address) - kSpecialPool) / base::kPageSize;
}

SpecialRun *make_run(Special &all, size_t pages) NTEMU_REQUIRES(all.mutex) {
  if (all.next_page + pages + 1 > kTablePages) return nullptr;
  if (all.slab_left < sizeof(SpecialRun)) {
    all.slab = static_cast<char *>(base::map_pages(kSlab));
    all.slab_left = all.slab ? kSlab : 0;
    if (!all.slab) return nullptr;
  }
  auto *run = new (all.slab) SpecialRun;
  all.slab += sizeof(SpecialRun);
  all.slab_left -= sizeof(SpecialRun);
  run->pages = reinterpret_cast<char *>(kSpecialPool) + all.next_page * base::kPageSize;
  run->bytes = pages * base::kPageSize;
  for (size_t i = 0; i <= pages; ++i) all.runs[all.next_page + i].store(run, std::memory_order_release);
  all.next_page += pages + 1;
  return run;
}

SpecialRun *take_run(size_t pages) {
  Special &all = special();
  base::Guard guard(all.mutex);
  SpecialRun *run = nullptr;
  if (all.runs && all.taken < kMostTaken) {
    run = all.unused[pages].take();
    if (run) --all.reusable;
    if (!run) run = make_run(all, pages);
  }
  if (run) ++all.taken;
  ++(run ? all.served : all.missed);
  return run;
}

void give_back(SpecialRun *run, bool used) {
  Special &all = special();
  base::Guard guard(all.mutex);
  --all.taken;
  if (!used) {
    --all.served;
    ++all.missed;
    ++all.reusable;
    all.unused[pages_of(*run)].append(run);
    return;
  }
  all.waiting.append(run);
  all.waiting_pages += pages_of(*run);
  while (all.waiting.length > kMostWaiting || all.waiting_pages > kMostWaitingPages) {
    SpecialRun *oldest = all.waiting.take();
    all.waiting_pages -= pages_of(*oldest);
    ++all.reusable;
    all.unused[pages_of(*oldest)].append(oldest);
  }
}

// What fills the rest of a run's pages: differs from one to the next, and is never 0.
char filler(const SpecialRun &run) { return static_cast<char>(0x80 | (page_number(run.pages) * 37 & 0x7f)); }

char *end_of(const SpecialRun &run) { return static_cast<char *>(run.block.start) + run.block.bytes; }

void check_irql(POOL_TYPE type, ULONG_PTR subject, ULONG_PTR kind) {
  const KIRQL irql = ke::current().irql;
  if (irql > (type & PagedPool ? APC_LEVEL : DISPATCH_LEVEL))
    ke::bugcheck(kMemoryCorruption, irql, static_cast<ULONG_PTR>(type), subject, kind);
}

void tell(std::string_view text) { base::log(base::Level::kError, "pool", text); }

std::string name_of(const SpecialRun &run) {
  return fmt::format("the block at {} ({} bytes of {} special pool, tag '{}')", fmt::ptr(run.block.start),
                     run.block.bytes, run.block.paged ? "paged" : "nonpaged", tag_text(run.block.tag));
}

void tell_stack(const char *what, const PoolStack &stack) {
  for (const void *frame : stack.used()) {
    tell(fmt::format("    {}: {}", what, describe_site(frame)));
    what = "    called";
  }
}

void tell_misuse(const SpecialRun &run, std::string_view what, const void *site) {
  tell(fmt::format("{} {}: {}", name_of(run), what, describe_site(site)));
  tell_stack("allocated", run.taken);
  if (run.state.load() == SpecialRun::kFreed) tell_stack("freed", run.freed);
}

[[noreturn]] void freed_again(const SpecialRun &run, const void *block, const void *site) {
  tell_misuse(run, "is freed once more", site);
  ke::bugcheck(kMemoryCorruption, base::address_of(block), 0, 0, 0x20);
}

[[noreturn]] void corrupted(const SpecialRun &run, const char *where, const void *site) {
  int bits = 0;
  const char expected = filler(run);
  const auto count = [&](const char *from, const char *to) {
    for (; from < to; ++from) bits += __builtin_popcount((*from ^ expected) & 0xff);
  };
  count(run.pages, static_cast<char *>(run.block.start));
  count(end_of(run), run.guard());
  const bool behind = where >= end_of(run);
  const auto distance = behind ? where - end_of(run) : static_cast<char *>(run.block.start) - where;
  tell_misuse(run,
              fmt::format("was written {} at {}, {} bytes away; it is freed",
                          behind ? "beyond its end" : "before its start", fmt::ptr(where), distance),
              site);
  ke::bugcheck(kMemoryCorruption, base::address_of(run.block.start), base::address_of(where), 0,
               bits == 1 ? 0x32
               : behind  ? 0x24
                         : 0x23);
}

void check_rest(const SpecialRun &run, const void *site) {
  const char expected = filler(run);
  const auto differs = [&](char byte) { return byte != expected; };
  const char *behind = std::find_if(end_of(run), run.guard(), differs);
  if (behind != run.guard()) corrupted(run, behind, site);
  // The byte nearest to the block tells most.
  for (const char *at = static_cast<char *>(run.block.start); at > run.pages; --at) {
    if (differs(at[-1])) corrupted(run, at - 1, site);
  }
}

PoolStack stack_of(const void *site) {
  PoolStack stack;
  capture_pool_stack.load(std::memory_order_acquire)(stack);
  if (stack.count == 0) stack.frames[stack.count++] = site;
  return stack;
}

SpecialRun *run_at(const void *address) {
  const Special *all = the_special.load(std::memory_order_acquire);
  const size_t page = page_number(address);
  if (!all || !all->runs || page >= kTablePages) return nullptr;
  return all->runs[page].load(std::memory_order_acquire);
}

}  // namespace

std::atomic<void (*)(PoolStack &stack)> capture_pool_stack{[](PoolStack &stack) { stack.count = 0; }};

void *take_special(const PoolRequest &request, SpecialAlignment alignment, bool pageable) {
  check_irql(request.type, request.bytes, 0x30);
  if (poisons() || request.bytes > kMostPages * base::kPageSize) return nullptr;
  const size_t pages = std::max<size_t>((request.bytes + base::kPageSize - 1) / base::kPageSize, 1);
  SpecialRun *run = take_run(pages);
  if (!run) return nullptr;
  if (!base::commit_pages(run->pages, run->bytes)) {
    give_back(run, false);
    return nullptr;
  }
  const SIZE_T unit = request.cache_aligned() ? SYSTEM_CACHE_ALIGNMENT_SIZE : kUnit;
  const SIZE_T room = (request.bytes + unit - 1) / unit * unit;
  const bool at_start = alignment == SpecialAlignment::kStart || request.bytes >= base::kPageSize;
  char *start = at_start ? run->pages : run->guard() - room;
  std::memset(run->pages, filler(*run), static_cast<size_t>(start - run->pages));
  std::memset(start + request.bytes, filler(*run), static_cast<size_t>(run->guard() - start) - request.bytes);
  if (!request.zero) std::memset(start, filler(*run), request.bytes);
  run->block = {start, request.bytes, request.tag, request.paged(), request.site};
  run->type = request.type;
  run->taken = stack_of(request.site);
  run->freed.count = 0;
  run->taken_by = ke::current().Cid;
  run->state.store(SpecialRun::kTaken, std::memory_order_release);
  if (pageable) make_pageable(*run);
  track(request.tag, request.paged(), request.bytes, true);
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire))
    watch->taken(start, request.bytes, request.tag);
  return start;
}

void free_special(void *block, ULONG tag, const void *site) {
  SpecialRun *run = run_at(block);
  if (!run) {
    tell(fmt::format("{} is freed, and was never a block of the special pool: {}", fmt::ptr(block),
                     describe_site(site)));
    ke::bugcheck(kMemoryCorruption, base::address_of(block), 0, 0, 0x20);
  }
  SpecialRun::State state = run->state.load(std::memory_order_acquire);
  if (state != SpecialRun::kTaken) freed_again(*run, block, site);
  if (block != run->block.start) {
    tell_misuse(*run, fmt::format("is freed by another address, {}", fmt::ptr(block)), site);
    ke::bugcheck(kMemoryCorruption, base::address_of(block), run->block.bytes,
                 base::address_of(run->guard()) - base::address_of(block), 0x21);
  }
  if (!tags_match(run->block.tag, tag)) wrong_tag(run->block, tag, site);
  check_irql(run->type, base::address_of(block), 0x31);
  pin_special(block);  // for what reads its pages, and until they are gone
  check_rest(*run, site);
  const PoolStack stack = stack_of(site);
  // One of two threads that free it at once has to be the second.
  if (!run->state.compare_exchange_strong(state, SpecialRun::kFreed)) freed_again(*run, block, site);
  run->freed = stack;
  run->freed_by = ke::current().Cid;
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) watch->given(block);
  track(run->block.tag, run->block.paged, run->block.bytes, false);
  base::decommit_pages(run->pages, run->bytes);
  end_paging(*run);
  give_back(run, true);
}

const SpecialRun *find_special(const void *address) { return run_at(address); }

void forget_special_site(void *block) {
  if (SpecialRun *run = run_at(block); run && run->block.start == block) run->block.site = nullptr;
}

void for_each_special(const std::function<void(const PoolBlock &)> &visit) {
  Special *all = the_special.load(std::memory_order_acquire);
  if (!all || !all->runs) return;
  base::Guard guard(all->mutex);
  for (size_t page = 1; page < all->next_page;) {
    const SpecialRun &run = *all->runs[page].load(std::memory_order_relaxed);
    if (run.state.load(std::memory_order_acquire) == SpecialRun::kTaken) visit(run.block);
    page += pages_of(run) + 1;
  }
}

SpecialPoolUse special_pool_use() {
  Special *all = the_special.load(std::memory_order_acquire);
  if (!all) return {};
  base::Guard guard(all->mutex);
  return {all->taken, all->waiting.length, all->reusable, all->next_page, all->served, all->missed};
}

SpecialPoolRoot special_pool_root() { return {&the_special, offsetof(Special, runs)}; }

}  // namespace ntemu::ex
