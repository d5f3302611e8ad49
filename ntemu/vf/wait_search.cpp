#include "ntemu/vf/wait_search.h"

#include <algorithm>

#include "ntemu/base/peek.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ke/take.h"
#include "ntemu/vf/event_setters.h"
#include "ntemu/vf/lock_calls.h"

namespace ntemu::vf {
namespace {

using ke::LockKind;

// A chain of more threads is not followed to its end.
constexpr size_t kLongest = 64;

bool spins(const ETHREAD &thread) { return thread.wanted.spins.load() && thread.wanted.lock.load(); }

// Asleep with nothing but its objects to end the wait. A time-out, an alert or a user APC would end it too.
bool sleeps_for_good(const ETHREAD &thread) {
  return ke::is_asleep_locked(thread) && thread.wait_deadline.load() == base::kForever && !thread.wait_alertable &&
         thread.Tcb.WaitMode == KernelMode;
}

bool is_blocked(const ETHREAD &thread) { return spins(thread) || sleeps_for_good(thread); }

ULONG want_count(const ETHREAD &thread) {
  if (!is_blocked(thread)) return 0;
  return thread.wanted.lock.load() ? 1 : thread.wait_count;
}

Want want_at(const ETHREAD &thread, ULONG index) {
  if (const void *lock = thread.wanted.lock.load()) return {Want::kLock, thread.wanted.kind(), lock};
  const KWAIT_BLOCK &block = thread.Tcb.WaitBlockList[index];
  const auto &header = *static_cast<const DISPATCHER_HEADER *>(block.Object);
  switch (ke::type_of(header)) {
    case ke::kMutant:
      return {Want::kMutant, LockKind::kMutex, block.Object};
    case ke::kThreadObject:
      return {Want::kThread, LockKind::kMutex, block.Object};
    case ke::kNotificationEvent:
    case ke::kSynchronizationEvent:
      return {Want::kEvent, LockKind::kMutex, block.Object};
    default:
      return {};
  }
}

// Whether any one of what it waits for is enough.
bool waits_for_any(const ETHREAD &thread) {
  return !thread.wanted.lock.load() && thread.wait_count > 1 && thread.Tcb.WaitBlockList[0].WaitType == WaitAny;
}

// Of a thread that is blocked. One that spins may get its lock, and note it, during the look.
__attribute__((no_sanitize("thread"), noinline)) ke::HeldLocks copy(const ke::HeldLocks &held) {
  ke::HeldLocks result;
  static_assert(sizeof held % sizeof(uint64_t) == 0);
  const auto *from = reinterpret_cast<const volatile uint64_t *>(&held);
  uint64_t words[sizeof held / sizeof(uint64_t)];
  for (size_t i = 0; i < std::size(words); ++i) words[i] = from[i];
  __builtin_memcpy(static_cast<void *>(&result), words, sizeof words);
  return result;
}

// What the lock itself says: where others may release it, a thread's own notes are not enough.
bool agrees(const Want &want, const ETHREAD &thread) {
  switch (want.lock_kind) {
    case LockKind::kFastMutex:
    case LockKind::kGuardedMutex:
      return base::peek(&static_cast<const FAST_MUTEX *>(want.object)->Owner) == &thread;
    case LockKind::kResourceExclusive:
    case LockKind::kResourceShared: {
      auto &resource = *static_cast<ERESOURCE *>(const_cast<void *>(want.object));
      ex::ResourceLock lock(resource);
      return ex::find_owner(resource, reinterpret_cast<ERESOURCE_THREAD>(&thread)) != nullptr;
    }
    default:
      return true;
  }
}

struct Holding {
  bool holds = false;
  const void *site = nullptr;
};

Holding look_for(const Want &want, const ETHREAD &thread) {
  if (want.kind == Want::kThread) return {want.object == &thread};
  if (want.kind == Want::kMutant && ke::owner_of(*static_cast<const KMUTANT *>(want.object)) != &thread.Tcb) return {};
  const ke::HeldLocks held = copy(thread.held);
  const ke::HeldLock *known = held.find(want.object);
  if (want.kind == Want::kMutant) return {true, known ? known->site() : nullptr};
  if (!known || !agrees(want, thread)) return {};
  return {true, known->site()};
}

const char *type_of(const Want &want) {
  if (want.kind == Want::kThread) return "Thread";
  return want.kind == Want::kEvent ? kEventType : type_name(want.lock_kind);
}

}  // namespace

WaitSearch::WaitSearch(const std::vector<ETHREAD *> &threads) : threads_(threads) {
  path_.reserve(kLongest);
  found_.reserve(kLongest);
  go_on_.reserve(threads.size());
}

bool WaitSearch::awaits_thread(const ETHREAD &thread) {
  for (ULONG i = 0, count = want_count(thread); i < count; ++i) {
    if (want_at(thread, i).kind == Want::kThread) return true;
  }
  return false;
}

bool WaitSearch::is_on_path(const ETHREAD &thread) const {
  return std::any_of(path_.begin(), path_.end(), [&](const Step &step) { return step.thread == &thread; });
}

bool WaitSearch::can_go_on(const ETHREAD &thread) const {
  return std::find(go_on_.begin(), go_on_.end(), &thread) != go_on_.end();
}

// Whether all who ever set the event are stuck. One that waits for what only itself has set waits for somebody new.
bool WaitSearch::is_set_by_nobody(ETHREAD &thread, const Want &want) {
  const Setters setters = setters_of(want.object);
  if (setters.count == 0 || setters.others) return false;
  const size_t own = path_.size() - 1;
  const bool none_before = found_.empty();
  const auto goes_on = [&] {
    if (none_before) found_.clear();
    return false;
  };
  for (size_t i = 0; i < setters.count; ++i) {
    const auto [setter, site] = setters.known[i];
    const auto found = std::find(threads_.begin(), threads_.end(), setter);
    if (setter == &thread || found == threads_.end() || !is_blocked(**found) || can_go_on(**found)) return goes_on();
    path_[own] = {&thread, want, site};
    if (is_on_path(**found)) {
      if (*found == path_.front().thread && found_.empty()) found_ = path_;
    } else if (!is_stuck(**found)) {
      go_on_.push_back(*found);
      return goes_on();
    }
  }
  return true;
}

// Whether some holder will never give it back; the step of the path that waits for it tells which one.
bool WaitSearch::is_held_for_good(ETHREAD &thread, const Want &want) {
  if (want.kind == Want::kNothing) return false;
  if (want.kind == Want::kEvent) return is_set_by_nobody(thread, want);
  const size_t own = path_.size() - 1;
  bool held = false;
  for (ETHREAD *holder : threads_) {
    if (!is_blocked(*holder) || can_go_on(*holder)) continue;
    const Holding holding = look_for(want, *holder);
    if (!holding.holds) continue;
    path_[own] = {&thread, want, holding.site};
    if (is_on_path(*holder)) {
      held = true;
      if (holder == path_.front().thread && found_.empty()) found_ = path_;
    } else if (is_stuck(*holder)) {
      held = true;
    } else {
      go_on_.push_back(holder);
    }
    if (!found_.empty()) break;
  }
  return held;
}

// Threads on the path count as stuck: if one of them turns out not to be, what was found beneath it is dropped.
bool WaitSearch::is_stuck(ETHREAD &thread) {
  const ULONG count = want_count(thread);
  if (count == 0 || path_.size() == kLongest) return false;
  const bool none_before = found_.empty();
  const bool any = waits_for_any(thread);
  path_.push_back({&thread, {}, nullptr});
  bool stuck = any;
  for (ULONG i = 0; i < count; ++i) {
    const bool held = is_held_for_good(thread, want_at(thread, i));
    if (any && !held) stuck = false;
    if (any && !stuck) break;
    if (!any && held) stuck = true;
    if (!any && stuck && !found_.empty()) break;
  }
  path_.pop_back();
  if (!stuck && none_before) found_.clear();
  return stuck;
}

Cycle WaitSearch::to_cycle() const {
  Cycle cycle;
  for (const Step &step : found_) {
    const ETHREAD &thread = *step.thread;
    cycle.push_back({&thread,
                     reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread),
                     thread.StartAddress,
                     thread.wanted.number.load(),
                     {},
                     {step.want.object, type_of(step.want), thread.wanted.site()}});
  }
  for (size_t i = 0; i < found_.size(); ++i) {
    CycleThread &owner = cycle[(i + 1) % found_.size()];
    owner.has = {found_[i].want.object, found_[i].owned_at};
  }
  return cycle;
}

Cycle WaitSearch::find(ETHREAD &thread) {
  path_.clear();
  go_on_.clear();
  found_.clear();
  if (!is_stuck(thread) || found_.empty()) return {};
  Cycle cycle = to_cycle();
  // Those that sleep have slept all the time. One that spins may have got its lock in between.
  for (size_t i = 0; i < found_.size(); ++i) {
    const ETHREAD &each = *found_[i].thread;
    if (found_[i].want.kind != Want::kLock) continue;
    if (each.wanted.lock.load() != found_[i].want.object || each.wanted.number.load() != cycle[i].wait) return {};
  }
  return cycle;
}

}  // namespace ntemu::vf
