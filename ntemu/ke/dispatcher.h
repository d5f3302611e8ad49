// Dispatcher objects: their header word, the lock of everything that blocks, and the signaling of waiters.
#pragma once

#include <bit>

#include "ntemu/base/clock.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ke {

enum DispatcherType : UCHAR {
  kNotificationEvent,
  kSynchronizationEvent,
  kMutant,
  kProcessObject,
  kQueue,
  kSemaphore,
  kThreadObject,
  kGate,
  kNotificationTimer,
  kSynchronizationTimer
};

// A header's first eight bytes, type and state together: always read and written as one. While kHasWaiters is clear,
// one compare-and-swap acquires or signals the object. With it, only the holder of the dispatcher lock changes the
// word.
using HeaderWord = uint64_t;
// The top bit of byte 3, which is reserved in all objects that have a fast path. (A timer shows it as Expired.)
inline constexpr HeaderWord kHasWaiters = HeaderWord{1} << 31;

namespace detail {
using Aliased __attribute__((may_alias)) = HeaderWord;
inline Aliased *word_at(const DISPATCHER_HEADER &header) {
  return reinterpret_cast<Aliased *>(const_cast<DISPATCHER_HEADER *>(&header));
}
}  // namespace detail

inline HeaderWord load_word(const DISPATCHER_HEADER &header) {
  return __atomic_load_n(detail::word_at(header), __ATOMIC_ACQUIRE);
}
inline void store_word(DISPATCHER_HEADER &header, HeaderWord word) {
  __atomic_store_n(detail::word_at(header), word, __ATOMIC_RELEASE);
}
inline bool exchange_word(DISPATCHER_HEADER &header, HeaderWord &seen, HeaderWord wanted) {
  return __atomic_compare_exchange_n(detail::word_at(header), &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
inline LONG state_in(HeaderWord word) { return static_cast<LONG>(word >> 32); }
inline HeaderWord with_state(HeaderWord word, LONG state) {
  return (word & 0xffffffff) | HeaderWord{static_cast<ULONG>(state)} << 32;
}
inline UCHAR type_in(HeaderWord word) { return static_cast<UCHAR>(word & 0x7f); }
inline UCHAR type_of(const DISPATCHER_HEADER &header) { return type_in(load_word(header)); }
inline LONG signal_state(const DISPATCHER_HEADER &header) { return state_in(load_word(header)); }

// Writes a new object's header; `size` in bytes.
void initialize_header(DISPATCHER_HEADER &header, UCHAR type, size_t size, LONG state);

// Ends the machine when `object` cannot be a dispatcher object of one of `types` (bit mask of DispatcherType).
[[noreturn]] void bad_object(const void *object, const void *caller);

inline constexpr ULONG kAnyWaitable = 0x3ff & ~(1u << kGate) & ~(1u << kQueue);

// User space ends at 2^47; a smaller or unaligned address never was an object either.
inline bool may_be_object(const void *object) {
  constexpr ULONG_PTR kLowest = 0x10000, kEnd = ULONG_PTR{1} << 47;
  return std::rotr(reinterpret_cast<ULONG_PTR>(object), 3) - kLowest / 8 < (kEnd - kLowest) / 8;
}

inline HeaderWord check_object(const void *object, ULONG types, const void *caller) {
  if (!may_be_object(object)) [[unlikely]]
    bad_object(object, caller);
  const HeaderWord word = load_word(*static_cast<const DISPATCHER_HEADER *>(object));
  if (type_in(word) > kSynchronizationTimer || !(types >> type_in(word) & 1)) [[unlikely]]
    bad_object(object, caller);
  return word;
}

// The dispatcher lock: held for a few instructions by whoever blocks, wakes others, or has to see several objects at
// one moment. Never held across a wait or a call into a driver.
class DispatcherLock {
 public:
  DispatcherLock() {
    uint32_t free = 0;
    if (!word_.compare_exchange_strong(free, 1, std::memory_order_acquire)) lock_contended();
  }
  ~DispatcherLock() {
    if (word_.exchange(0, std::memory_order_release) != 1) base::wake_word(word_);
  }
  DispatcherLock(const DispatcherLock &) = delete;
  DispatcherLock &operator=(const DispatcherLock &) = delete;

 private:
  static void lock_contended();
  static std::atomic<uint32_t> word_;  // 0 free, 1 held, 2 held and waited for
};

// Threads that a signal released, to be woken once the dispatcher lock is dropped: declare it before the lock.
class WakeList {
 public:
  WakeList() = default;
  ~WakeList() { deliver(); }
  WakeList(const WakeList &) = delete;
  WakeList &operator=(const WakeList &) = delete;
  // Ends the wait of a thread that is_asleep: takes its blocks off their objects.
  void unwait(ETHREAD &thread, LONG_PTR status, KPRIORITY increment);
  void deliver();
  // Leaves the delivery to the caller.
  ETHREAD *take();

 private:
  ETHREAD *first_ = nullptr;
  ETHREAD **last_ = &first_;
};

// With the dispatcher lock held: between freeze and thaw nobody else changes the header's word, or consumes its signal.
// After thaw the object may be gone.
inline void freeze(DISPATCHER_HEADER &header) {
  __atomic_fetch_or(detail::word_at(header), kHasWaiters, __ATOMIC_ACQ_REL);
}
// An abandoned mutant stays frozen: whoever takes it has to be told.
inline void thaw(DISPATCHER_HEADER &header) {
  const HeaderWord word = load_word(header);
  const bool abandoned = type_in(word) == kMutant &&
                         __atomic_load_n(&reinterpret_cast<KMUTANT &>(header).MutantFlags, __ATOMIC_RELAXED) & 1;
  if (IsListEmpty(&header.WaitListHead) && !abandoned) store_word(header, word & ~kHasWaiters);
}
inline void set_state(DISPATCHER_HEADER &frozen, LONG state) {
  store_word(frozen, with_state(load_word(frozen), state));
}
// Gives a frozen object's signal to its waiters in the order of their arrival, as far as it goes.
void release_waiters(DISPATCHER_HEADER &frozen, KPRIORITY increment, WakeList &wakes);

// Gives an object the state `state` and releases the waiters that this satisfies; what its state was.
LONG signal(DISPATCHER_HEADER &header, LONG state, KPRIORITY increment);

// The thread ends: mutants that do not have to be released are free for others, as abandoned.
void abandon_mutants(ETHREAD &thread);

}  // namespace ntemu::ke
