// Taking a signaled object without the dispatcher lock, and what the owner of a mutant is.
#pragma once

#include "ntemu/ke/wait.h"

namespace ntemu::ke {

inline KTHREAD *owner_of(const KMUTANT &mutant) { return __atomic_load_n(&mutant.OwnerThread, __ATOMIC_RELAXED); }
inline void set_owner(KMUTANT &mutant, KTHREAD *thread) {
  __atomic_store_n(&mutant.OwnerThread, thread, __ATOMIC_RELAXED);
}

// Makes a thread the owner of a mutant that it, or the holder of the dispatcher lock for it, has taken from free.
inline NTSTATUS own(KMUTANT &mutant, KTHREAD &thread) {
  thread.KernelApcDisable = static_cast<SHORT>(thread.KernelApcDisable - mutant.ApcDisable);
  set_owner(mutant, &thread);
  InsertTailList(&thread.MutantListHead, &mutant.MutantListEntry);
  if (!(mutant.MutantFlags & 1)) [[likely]]
    return STATUS_SUCCESS;
  mutant.MutantFlags = 0;
  return STATUS_ABANDONED;
}

inline bool at_mutant_limit(const DISPATCHER_HEADER &header) {
  const HeaderWord word = load_word(header);
  return type_in(word) == kMutant && state_in(word) == MINLONG;
}

// Takes the object if it is signaled and nobody waits for it. An abandoned mutant, or one at its limit, is left to the
// slow way.
inline bool try_take(void *object, HeaderWord seen, ETHREAD &thread, const void *site) {
  auto &header = *static_cast<DISPATCHER_HEADER *>(object);
  for (;;) {
    if (seen & kHasWaiters) return false;
    LONG state = state_in(seen);
    switch (type_in(seen)) {
      case kSynchronizationEvent:
        if (state <= 0) return false;
        state = 0;
        break;
      case kSemaphore:
        if (state <= 0) return false;
        --state;
        break;
      case kMutant: {
        auto &mutant = reinterpret_cast<KMUTANT &>(header);
        if (state == 1) {
          if (__atomic_load_n(&mutant.MutantFlags, __ATOMIC_RELAXED) & 1) return false;
          if (!exchange_word(header, seen, with_state(seen, 0))) continue;
          own(mutant, thread.Tcb);
        } else {
          if (owner_of(mutant) != &thread.Tcb || state == MINLONG) return false;
          if (!exchange_word(header, seen, with_state(seen, state - 1))) continue;
        }
        thread.held.add(&mutant, LockKind::kMutex, site);
        note_progress(thread);
        return true;
      }
      case kSynchronizationTimer:
        return false;
      default:
        if (state <= 0) return false;
        note_progress(thread);
        return true;
    }
    if (exchange_word(header, seen, with_state(seen, state))) {
      note_progress(thread);
      return true;
    }
  }
}

}  // namespace ntemu::ke
