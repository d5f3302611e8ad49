// A spin lock's word for a few instructions of the kernel's own, at the caller's IRQL: the locks that drivers pass to
// interlocked lists, and those inside public structures. Nothing that enters the API may run while it is held.
#pragma once

#include "ntemu/ke/policy.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ke {

// Free 0, held the owner's ETHREAD | 1.
inline KSPIN_LOCK spin_owner() { return reinterpret_cast<KSPIN_LOCK>(&current()) | 1; }

inline void acquire_spin_word(KSPIN_LOCK &word) {
  const KSPIN_LOCK mine = spin_owner();
  for (uint32_t round = 0;; ++round) {
    KSPIN_LOCK seen = __atomic_load_n(&word, __ATOMIC_RELAXED);
    if (seen == 0 && __atomic_compare_exchange_n(&word, &seen, mine, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    spin(round);
  }
}

inline void release_spin_word(KSPIN_LOCK &word) { __atomic_store_n(&word, KSPIN_LOCK{0}, __ATOMIC_RELEASE); }

class SpinGuard {
 public:
  explicit SpinGuard(KSPIN_LOCK &word) : word_(word) { acquire_spin_word(word); }
  ~SpinGuard() { release_spin_word(word_); }
  SpinGuard(const SpinGuard &) = delete;
  SpinGuard &operator=(const SpinGuard &) = delete;

 private:
  KSPIN_LOCK &word_;
};

}  // namespace ntemu::ke
