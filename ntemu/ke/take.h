// Taking a signaled object without the dispatcher lock, and what the owner of a mutant is.
#pragma once

#include "ntemu/ke/wait.h"

namespace ntemu::ke {

inline KTHREAD *owner_of(const KMUTANT &mutant) { return __atomic_load_n(&mutant.OwnerThread, __ATOMIC_RELAXED); }
inline void set_owner(KMUTANT &mutant, KTHREAD *thread) {
  __atomic_store_n(&mutant.OwnerThread, thread, __ATOMIC_RELAXED);
}

// The words of a mutant that nobody waits for.
constexpr HeaderWord mutant_word(LONG state) {
  return kMutant | HeaderWord{sizeof(KMUTANT) / sizeof(ULONG)} << 8 | HeaderWord{static_cast<ULONG>(state)} << 32;
}
inline constexpr HeaderWord kFreeMutant = mutant_word(1);
inline constexpr HeaderWord kOwnedMutant = mutant_word(0);

// Makes a thread the owner of a mutant that it, or the holder of the dispatcher lock for it, has taken from free.
inline void own(KMUTANT &mutant, KTHREAD &thread) {
  thread.KernelApcDisable = static_cast<SHORT>(thread.KernelApcDisable - mutant.ApcDisable);
  set_owner(mutant, &thread);
  InsertTailList(&thread.MutantListHead, &mutant.MutantListEntry);
}

inline bool at_mutant_limit(const DISPATCHER_HEADER &header) {
  const HeaderWord word = load_word(header);
  return type_in(word) == kMutant && state_in(word) == MINLONG;
}

// Takes the object, whose word is `seen`, if it is signaled and nobody waits for it, and the thread need not see to
// anything else. What is not so simple, such as an abandoned mutant, is left to the slow way.
inline bool try_take(void *object, HeaderWord seen, ETHREAD &thread, const void *site) {
  if (needs_attention(thread)) [[unlikely]]
    return false;
  auto &header = *static_cast<DISPATCHER_HEADER *>(object);
  auto &mutant = *static_cast<KMUTANT *>(object);
  for (;;) {
    if (seen == kFreeMutant) [[likely]] {
      if (!exchange_word(header, seen, kOwnedMutant)) continue;
      own(mutant, thread.Tcb);
      thread.held.add(&mutant, LockKind::kMutex, site);
      return true;
    }
    if (seen & kHasWaiters) return false;
    const LONG state = state_in(seen);
    switch (type_in(seen)) {
      case kNotificationEvent:
      case kNotificationTimer:
      case kProcessObject:
      case kThreadObject:
        return state > 0;
      case kSynchronizationEvent:
        if (state <= 0) return false;
        if (exchange_word(header, seen, with_state(seen, 0))) return true;
        break;
      case kSemaphore:
        if (state <= 0) return false;
        if (exchange_word(header, seen, with_state(seen, state - 1))) return true;
        break;
      case kMutant:
        if (state > 0 || owner_of(mutant) != &thread.Tcb || state == MINLONG) return false;
        if (!exchange_word(header, seen, with_state(seen, state - 1))) break;
        thread.held.add(&mutant, LockKind::kMutex, site);
        return true;
      default:
        return false;
    }
  }
}

}  // namespace ntemu::ke
