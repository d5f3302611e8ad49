#include "ntemu/ex/special_paging.h"

#include <sched.h>
#include <sys/mman.h>

namespace ntemu::ex {
namespace {

// SpecialRun::Paging::word: one of these, and pins. Where there are pins the pages are in; nobody but who has set
// kChanging changes the word then.
enum : uint32_t { kStays = 0, kIn = 1, kOut = 2, kChanging = 3, kStates = 3, kPin = 4 };

// Runs that were paged in since they were trimmed last, and some that are not in any more.
std::atomic<const SpecialRun *> first_in{nullptr};

void list(const SpecialRun &run) {
  if (run.paging.listed.exchange(true)) return;
  const SpecialRun *first = first_in.load();
  do run.paging.next = first;
  while (!first_in.compare_exchange_weak(first, &run));
}

bool protect(const SpecialRun &run, int protection) { return mprotect(run.pages, run.bytes, protection) == 0; }

// What nobody is changing.
uint32_t settled(const SpecialRun &run) {
  for (;;) {
    const uint32_t seen = run.paging.word.load();
    if ((seen & kStates) != kChanging) return seen;
    sched_yield();
  }
}

// Pages of a run that can be trimmed are in, and `pins` more keep them there; false when it cannot, or the host
// refuses.
bool bring_in(const SpecialRun &run, uint32_t pins) {
  for (;;) {
    uint32_t seen = settled(run);
    if ((seen & kStates) != kOut) {
      if (pins == 0 || run.paging.word.compare_exchange_strong(seen, seen + pins)) return (seen & kStates) == kIn;
      continue;
    }
    if (!run.paging.word.compare_exchange_strong(seen, kChanging)) continue;
    const bool done = protect(run, PROT_READ | PROT_WRITE);
    run.paging.word.store(done ? kIn + pins : kOut);
    if (done) list(run);
    return done;
  }
}

}  // namespace

void make_pageable(const SpecialRun &run) {
  run.paging.word.fetch_or(kIn);
  list(run);
}

void end_paging(const SpecialRun &run) {
  uint32_t seen = run.paging.word.load();
  while (!run.paging.word.compare_exchange_weak(seen, (seen - kPin) & ~uint32_t{kStates})) continue;
}

// What is paged in meanwhile, or loses its last pin, gets into the list again: it leaves it before it is looked at.
void trim_special_pool() {
  if (!first_in.load(std::memory_order_relaxed)) return;
  for (const SpecialRun *run = first_in.exchange(nullptr); run;) {
    const SpecialRun *next = run->paging.next;
    run->paging.listed.store(false);
    uint32_t in = kIn;
    if (run->paging.word.compare_exchange_strong(in, kChanging))
      run->paging.word.store(protect(*run, PROT_NONE) ? kOut : kIn);
    run = next;
  }
}

bool page_in_special(const void *address) {
  const SpecialRun *run = find_special(address);
  if (!run || address >= run->guard() || run->state.load() != SpecialRun::kTaken) return false;
  return bring_in(*run, 0);
}

void pin_special(const void *address) {
  if (const SpecialRun *run = find_special(address)) bring_in(*run, kPin);
}

void unpin_special(const void *address) {
  const SpecialRun *run = find_special(address);
  if (!run) return;
  uint32_t seen = run->paging.word.load();
  do {
    if (seen < kPin) return;
  } while (!run->paging.word.compare_exchange_weak(seen, seen - kPin));
  if (seen - kPin == kIn) list(*run);
}

bool is_pinned_special(const void *address) {
  const SpecialRun *run = find_special(address);
  return run && run->paging.word.load() >= kPin;
}

}  // namespace ntemu::ex
