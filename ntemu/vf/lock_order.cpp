#include "ntemu/vf/lock_order.h"

#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/processor.h"
#include "ntemu/vf/event_setters.h"
#include "ntemu/vf/lock_calls.h"
#include "ntemu/vf/lock_graph.h"
#include "ntemu/vf/lock_misuse.h"
#include "ntemu/vf/stack.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

using ke::LockKind;

constexpr size_t kMostLocks = 4096;
constexpr size_t kMostInversions = 64;
constexpr size_t kMostFrames = 8;

struct Order {
  base::Mutex mutex;
  std::map<const void *, KnownLock> locks NTEMU_GUARDED_BY(mutex);
  LockGraph by_lock NTEMU_GUARDED_BY(mutex), by_class NTEMU_GUARDED_BY(mutex);
  std::vector<Inversion> inversions NTEMU_GUARDED_BY(mutex);
  size_t dropped NTEMU_GUARDED_BY(mutex) = 0;
};

Order &order() {
  static Order *all = new Order;
  return *all;
}

std::vector<const void *> frames_of_caller() {
  std::vector<const void *> frames(kMostFrames);
  frames.resize(capture_stack(frames));
  return frames;
}

KnownLock *know(Order &all, const void *lock, LockKind kind) NTEMU_REQUIRES(all.mutex) {
  if (const auto found = all.locks.find(lock); found != all.locks.end()) return &found->second;
  if (all.locks.size() == kMostLocks) {
    ++all.dropped;
    return nullptr;
  }
  return &all.locks.try_emplace(lock, KnownLock{.kind = kind}).first->second;
}

const KnownLock *find(const Order &all, const void *lock) NTEMU_REQUIRES(all.mutex) {
  const auto found = all.locks.find(lock);
  return found == all.locks.end() ? nullptr : &found->second;
}

// Locks that are initialized at the same place are of one class; one that is not known to be, of its own.
const void *class_of(const Order &all, const void *lock) NTEMU_REQUIRES(all.mutex) {
  const KnownLock *known = find(all, lock);
  return known && known->initialized_at ? known->initialized_at : lock;
}

CycleThread make_step(const Order &all, const ETHREAD &thread, const ke::HeldLock &held, const void *lock,
                      LockKind kind, const std::vector<const void *> &frames) NTEMU_REQUIRES(all.mutex) {
  CycleThread step{&thread,
                   reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread),
                   thread.StartAddress,
                   0,
                   {held.lock, held.site()},
                   {lock, type_name(kind), frames.empty() ? nullptr : frames.front()}};
  const KnownLock *known = find(all, held.lock);
  if (known && known->acquired_by == &thread) step.has_stack = known->frames;
  step.wants_stack = frames;
  return step;
}

// The cycle that `step` closes, if any; afterwards it is part of the graph.
Cycle add_step(Order &all, LockGraph &graph, CycleThread step) NTEMU_REQUIRES(all.mutex) {
  if (graph.has(step.has.lock, step.wants.lock)) return {};
  Cycle cycle = graph.find_path(step.wants.lock, step.has.lock);
  if (!cycle.empty()) cycle.push_back(step);
  if (!graph.add(std::move(step))) ++all.dropped;
  return cycle;
}

void note_inversion(Order &all, Cycle cycle, bool by_class) NTEMU_REQUIRES(all.mutex) {
  if (all.inversions.size() == kMostInversions) all.inversions.erase(all.inversions.begin());
  all.inversions.push_back({std::move(cycle), by_class});
}

// True: the very locks contradict an order that was seen.
bool note_order(Order &all, const ETHREAD &thread, const void *lock, LockKind kind,
                const std::vector<const void *> &frames) NTEMU_REQUIRES(all.mutex) {
  bool inverted = false;
  for (uint32_t i = 0; i < thread.held.known() && !inverted; ++i) {
    const ke::HeldLock &held = thread.held[i];
    if (!held.lock || held.lock == lock) continue;
    if (all.by_lock.has(held.lock, lock)) continue;
    CycleThread step = make_step(all, thread, held, lock, kind, frames);
    Cycle cycle = add_step(all, all.by_lock, step);
    const void *const from = class_of(all, held.lock), *const to = class_of(all, lock);
    Cycle class_cycle;
    if (from != to) {
      step.has.lock = from;
      step.wants.lock = to;
      class_cycle = add_step(all, all.by_class, std::move(step));
    }
    inverted = !cycle.empty();
    if (inverted) {
      note_inversion(all, std::move(cycle), false);
    } else if (!class_cycle.empty()) {
      note_inversion(all, std::move(class_cycle), true);
    }
  }
  return inverted;
}

// With no lock held: a line of the log may go anywhere.
void log_inversions(size_t since) {
  std::vector<Inversion> all = inversions();
  for (size_t i = since; i < all.size(); ++i) {
    for (const std::string &line : describe(all[i])) base::log(base::Level::kError, "deadlock", std::string_view(line));
  }
}

bool acquire(const LockCall &what, const void *lock, const void *site) {
  ETHREAD &thread = ke::current();
  const auto frames = frames_of_caller();
  Order &all = order();
  bool inverted, both_levels = false;
  size_t before, after;
  {
    base::Guard guard(all.mutex);
    before = all.inversions.size();
    inverted = what.action == LockCall::kAcquire && note_order(all, thread, lock, what.kind, frames);
    after = all.inversions.size();
    if (KnownLock *known = know(all, lock, what.kind)) {
      known->acquired_by = &thread;
      known->unsafe = what.unsafe;
      known->frames = frames;
      if (what.kind == LockKind::kSpinLock || what.kind == LockKind::kSpinLockShared)
        both_levels = note_level(*known, what, thread, site);
    }
  }
  if (after > before) log_inversions(before);
  if (both_levels) log_both_levels(lock);
  return inverted;
}

}  // namespace

KnownLock known_lock(const void *lock) {
  base::Guard guard(order().mutex);
  KnownLock copy;  // without the frames: the caller may leave through a bugcheck
  if (const KnownLock *known = find(order(), lock)) {
    copy.kind = known->kind;
    copy.initialized_at = known->initialized_at;
    copy.acquired_by = known->acquired_by;
    copy.unsafe = known->unsafe;
    copy.in_dpc = known->in_dpc;
    copy.below_dispatch = known->below_dispatch;
  }
  return copy;
}

void note_initialized(const void *lock, LockKind kind, const void *site) {
  forget_locks(lock, 1);
  Order &all = order();
  base::Guard guard(all.mutex);
  if (KnownLock *known = know(all, lock, kind)) known->initialized_at = site;
}

void note_acquire(const LockCall &what, const void *lock, const void *site) {
  if (acquire(what, lock, site)) violation(0x1001, reinterpret_cast<ULONG_PTR>(lock));
}

void forget_locks(const void *begin, size_t bytes) {
  forget_events(begin, bytes);
  const auto *end = static_cast<const char *>(begin) + bytes;
  Order &all = order();
  base::Guard guard(all.mutex);
  for (auto at = all.locks.lower_bound(begin); at != all.locks.end() && at->first < end;) {
    all.by_lock.remove(at->first);
    all.by_class.remove(at->first);
    at = all.locks.erase(at);
  }
}

const void *first_lock(const void *begin, size_t bytes,
                       const std::function<bool(const void *, const KnownLock &)> &is) {
  Order &all = order();
  base::Guard guard(all.mutex);
  const auto *end = static_cast<const char *>(begin) + bytes;
  for (auto at = all.locks.lower_bound(begin); at != all.locks.end() && at->first < end; ++at) {
    if (is(at->first, at->second)) return at->first;
  }
  return nullptr;
}

std::vector<Inversion> inversions() {
  base::Guard guard(order().mutex);
  return order().inversions;
}

LockOrderCounts lock_order_counts() {
  Order &all = order();
  base::Guard guard(all.mutex);
  return {all.locks.size(), all.by_lock.edges(), all.by_class.edges(), all.dropped, all.inversions.size()};
}

void forget_order() {
  forget_all_events();
  Order &all = order();
  base::Guard guard(all.mutex);
  all.locks.clear();
  all.by_lock.clear();
  all.by_class.clear();
  all.inversions.clear();
  all.dropped = 0;
}

}  // namespace ntemu::vf
