#include "ntemu/vf/lock_misuse.h"

#include "ntemu/base/address.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/peek.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/take.h"
#include "ntemu/ps/exit.h"
#include "ntemu/vf/event_setters.h"
#include "ntemu/vf/lock_order.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

using ke::LockKind;

bool is_fast(LockKind kind) { return kind == LockKind::kFastMutex || kind == LockKind::kGuardedMutex; }

bool is_free(const FAST_MUTEX &mutex) { return __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED) & FM_LOCK_BIT; }

const void *owner_in(const FAST_MUTEX &mutex) { return __atomic_load_n(&mutex.Owner, __ATOMIC_RELAXED); }

KSPIN_LOCK word_of(const void *lock) {
  return __atomic_load_n(static_cast<const KSPIN_LOCK *>(lock), __ATOMIC_RELAXED);
}

// The owner's ETHREAD; null where it is not held, or not in the ordinary way.
const void *spin_owner_in(KSPIN_LOCK word) {
  return word & 1 ? reinterpret_cast<const void *>(word & ~KSPIN_LOCK{1}) : nullptr;
}

// Who has the lock, of those kinds whose words tell; null when nobody has.
const void *owner_of_lock(const void *lock, LockKind kind) {
  if (is_fast(kind)) {
    const auto &mutex = *static_cast<const FAST_MUTEX *>(lock);
    return is_free(mutex) ? nullptr : owner_in(mutex);
  }
  if (kind == LockKind::kMutex) return ke::owner_of(*static_cast<const KMUTANT *>(lock));
  if (kind == LockKind::kSpinLock) return spin_owner_in(word_of(lock));
  return nullptr;
}

// Of an entry that others may be linking to at this moment.
bool is_linked(const LIST_ENTRY &entry) { return base::peek(&entry.Flink) && base::peek(&entry.Blink); }

// Memory that was never a lock of that kind: zeroes.
bool is_blank(const void *lock, LockKind kind) {
  if (is_fast(kind)) return !is_linked(static_cast<const FAST_MUTEX *>(lock)->Event.Header.WaitListHead);
  if (kind == LockKind::kResourceExclusive || kind == LockKind::kResourceShared)
    return !is_linked(static_cast<const ERESOURCE *>(lock)->SystemResourcesList);
  return false;
}

// Whether the memory still is what an initialization made of it. Of a spin lock and a push lock that is a zero.
bool is_intact(const void *lock, LockKind kind) {
  const LIST_ENTRY *head = nullptr;
  if (is_fast(kind)) head = &static_cast<const FAST_MUTEX *>(lock)->Event.Header.WaitListHead;
  if (kind == LockKind::kMutex) head = &static_cast<const KMUTANT *>(lock)->Header.WaitListHead;
  return head && head->Flink == head && head->Blink == head;
}

bool is_on_stack(const ETHREAD &thread, const void *lock) {
  return lock >= thread.Tcb.StackLimit && lock < thread.Tcb.StackBase;
}

[[noreturn]] void stop(const api::Call &call, const char *why, ULONG_PTR kind, const void *lock, ULONG_PTR p3 = 0,
                       ULONG_PTR p4 = 0) {
  base::log(base::Level::kError, "deadlock", "{} at {}: lock {} {}", api::entry(call.id).name,
            describe_site(call.caller), fmt::ptr(lock), why);
  violation(kind, base::address_of(lock), p3, p4);
}

void check_initialize(const api::Call &call, const void *lock, LockKind kind) {
  const KnownLock known = known_lock(lock);
  const bool same = known.initialized_at && known.kind == kind && !is_on_stack(ke::current(), lock);
  const void *owner = same ? owner_of_lock(lock, kind) : nullptr;
  if (same && (owner || is_intact(lock, kind)))
    stop(call, owner ? "is initialized while it is held" : "is initialized a second time", 0x1005, lock);
  note_initialized(lock, kind, call.caller);
}

void check_acquire(const api::Call &call, const LockCall &what, const void *lock) {
  const KnownLock known = known_lock(lock);
  if (known.initialized_at && known.kind != what.kind && (is_fast(known.kind) || is_fast(what.kind)))
    stop(call, "was initialized as another kind of lock", 0x1008, lock);
  if (!known.initialized_at && is_blank(lock, what.kind)) stop(call, "has not been initialized", 0x1002, lock);
  const ETHREAD &thread = ke::current();
  const ke::HeldLock *held = thread.held.find(lock);
  if (held && what.action == LockCall::kAcquire) {
    const bool may = what.kind == LockKind::kMutex || what.kind == LockKind::kResourceExclusive ||
                     what.kind == LockKind::kResourceShared || what.kind == LockKind::kPushLockShared ||
                     what.kind == LockKind::kSpinLockShared;
    if (!may) stop(call, "is acquired by the thread that holds it", 0x1000, lock);
    return;
  }
  note_acquire(what, lock, call.caller);
}

void check_fast_release(const api::Call &call, const LockCall &what, const void *lock) {
  const auto &mutex = *static_cast<const FAST_MUTEX *>(lock);
  const ETHREAD &thread = ke::current();
  if (is_free(mutex)) stop(call, "is released and not held", 0x1007, lock);
  if (const void *owner = owner_in(mutex); owner != &thread)
    stop(call, "is released by another thread than its owner", 0x1004, lock, base::address_of(owner),
         base::address_of(&thread));
  const KnownLock known = known_lock(lock);
  const ke::HeldLock *held = thread.held.find(lock);
  if ((held && held->kind() != what.kind) || (known.acquired_by == &thread && known.unsafe != what.unsafe))
    stop(call, "is released in another way than it was acquired", 0x1009, lock);
}

void check_release(const api::Call &call, const LockCall &what, const void *lock) {
  if (is_fast(what.kind)) return check_fast_release(call, what, lock);
  const ETHREAD &thread = ke::current();
  if (what.kind == LockKind::kMutex) {
    const auto &mutant = *static_cast<const KMUTANT *>(lock);
    if (ke::type_of(mutant.Header) != ke::kMutant) return;  // the call itself ends the machine
    const KTHREAD *owner = ke::owner_of(mutant);
    if (!owner) stop(call, "is released and not held", 0x1007, lock);
    if (owner != &thread.Tcb)
      stop(call, "is released by another thread than its owner", 0x1004, lock, base::address_of(owner),
           base::address_of(&thread));
  } else if (what.kind == LockKind::kSpinLock && !what.handle) {
    const KSPIN_LOCK word = word_of(lock);
    if (word == 0) stop(call, "is released and not held", 0x1007, lock);
    if (!spin_owner_in(word) && thread.held.find(lock))
      stop(call, "is released in another way than it was acquired", 0x1009, lock);
    if (const void *owner = spin_owner_in(word); owner && owner != &thread)
      stop(call, "is released by another thread than its owner", 0x1004, lock, base::address_of(owner),
           base::address_of(&thread));
  }
}

void check_free(const api::Call &call, const void *block) {
  if (!block) return;
  const size_t bytes = ex::block_bytes(block);
  const void *owner = nullptr;
  const void *lock = first_lock(block, bytes, [&](const void *each, const KnownLock &known) {
    owner = owner_of_lock(each, known.kind);
    return owner != nullptr;
  });
  if (lock) stop(call, "lies in memory that is freed while it is held", 0x100B, lock, base::address_of(owner));
  forget_locks(block, bytes);
}

void check_wait(const api::Call &call, uint64_t object, bool for_good) {
  if (!ke::may_be_object(reinterpret_cast<const void *>(object))) return;
  const auto *header = reinterpret_cast<const DISPATCHER_HEADER *>(object);
  if (ke::type_of(*header) != ke::kMutant) return;
  check_acquire(call, {for_good ? LockCall::kAcquire : LockCall::kTry, LockKind::kMutex}, header);
}

void check_waits(const api::Call &call) {
  const uint64_t *arguments = call.arguments;
  if (call.id == api::Id::KeWaitForSingleObject) return check_wait(call, arguments[0], arguments[4] == 0);
  const auto *objects = reinterpret_cast<const uint64_t *>(arguments[1]);
  for (uint64_t i = 0; i < arguments[0] && i < MAXIMUM_WAIT_OBJECTS; ++i)
    check_wait(call, objects[i], arguments[6] == 0);
}

const void *lock_of_handle(uint64_t handle) {
  constexpr ULONG_PTR kFlags = 3;  // of a KSPIN_LOCK_QUEUE's pointer to its lock
  const auto lock = reinterpret_cast<ULONG_PTR>(reinterpret_cast<const KLOCK_QUEUE_HANDLE *>(handle)->LockQueue.Lock);
  return reinterpret_cast<const void *>(lock & ~kFlags);
}

// A DPC runs on whatever thread has the processor.
bool runs_dpc(const ETHREAD &thread) {
  return ke::is_dpc_thread(thread) ||
         (thread.irql >= DISPATCH_LEVEL && thread.processor && thread.processor->runs_dpcs.load());
}

void check_event(const api::Call &call) {
  const auto *event = reinterpret_cast<const void *>(call.arguments[0]);
  switch (call.id) {
    case api::Id::KeInitializeEvent:
      return forget_events(event, 1);
    case api::Id::KeSetEvent:
    case api::Id::KePulseEvent:
      note_setter(event, ke::current(), call.caller, runs_dpc(ke::current()));
      return;
    default:
      return;
  }
}

void check_exit(ETHREAD &thread) {
  if (!(api::hooks.load(std::memory_order_relaxed) & api::kVerify)) return;
  for (uint32_t i = 0; i < thread.held.known(); ++i) {
    const ke::HeldLock &held = thread.held[i];
    if (!held.lock || !(options_at(held.site()) & kDeadlock)) continue;
    base::log(base::Level::kError, "deadlock", "thread {} ends and holds {} {}, acquired at {}",
              base::address_of(thread.Cid.UniqueThread), ps::name_of(held.kind()), fmt::ptr(held.lock),
              describe_site(held.site()));
    violation(0x100A, base::address_of(&thread), base::address_of(held.lock));
  }
  const auto *limit = static_cast<const char *>(thread.Tcb.StackLimit);
  const auto *base = static_cast<const char *>(thread.Tcb.StackBase);
  if (limit && base > limit) forget_locks(limit, static_cast<size_t>(base - limit));
}

}  // namespace

bool verify_lock_call(const api::Call &call, uint64_t &) {
  const ULONG options = options_at(call.caller);
  if (options & kDeadlock) check_lock_call(call, options);
  return false;
}

void check_lock_call(const api::Call &call, ULONG) {
  if (call.id == api::Id::KeWaitForSingleObject || call.id == api::Id::KeWaitForMultipleObjects)
    return check_waits(call);
  const LockCall *what = find_lock_call(call.id);
  if (!what) return check_event(call);
  const uint64_t argument = call.arguments[what->argument];
  const void *lock = what->handle ? lock_of_handle(argument) : reinterpret_cast<const void *>(argument);
  switch (what->action) {
    case LockCall::kInitialize:
      return check_initialize(call, lock, what->kind);
    case LockCall::kAcquire: {
      LockCall how = *what;
      if (how.wait_argument >= 0 && !(call.arguments[how.wait_argument] & 0xff)) how.action = LockCall::kTry;
      return check_acquire(call, how, lock);
    }
    case LockCall::kTry:
      return check_acquire(call, *what, lock);
    case LockCall::kRelease:
      return check_release(call, *what, lock);
    case LockCall::kDelete:
      return forget_locks(lock, 1);
    case LockCall::kFree:
      return check_free(call, lock);
  }
}

bool note_level(KnownLock &known, const LockCall &what, const ETHREAD &thread, const void *site) {
  const bool before = known.in_dpc && known.below_dispatch;
  if (runs_dpc(thread)) known.in_dpc = site;
  if (what.at_dpc && thread.irql < DISPATCH_LEVEL) known.below_dispatch = site;
  return !before && known.in_dpc && known.below_dispatch;
}

void log_both_levels(const void *lock) {
  const KnownLock known = known_lock(lock);
  base::log(base::Level::kError, "deadlock",
            "possible deadlock: spin lock {} is taken in a DPC at {}, and below DISPATCH_LEVEL at {}", fmt::ptr(lock),
            describe_site(known.in_dpc), describe_site(known.below_dispatch));
}

void boot_lock_order() {
  forget_order();
  ps::thread_ends = check_exit;
}

}  // namespace ntemu::vf
