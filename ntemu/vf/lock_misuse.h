// What is known of the locks of verified drivers, and what they must not do with one.
#pragma once

#include <functional>
#include <vector>

#include "ntemu/ke/thread.h"
#include "ntemu/vf/lock_calls.h"

namespace ntemu::vf {

struct KnownLock {
  ke::LockKind kind = ke::LockKind::kMutex;
  const void *initialized_at = nullptr;  // null: not known to have been
  const ETHREAD *acquired_by = nullptr;  // the last one to try
  bool unsafe = false;                   // of a fast mutex: in which way
  std::vector<const void *> frames{};    // of that acquire
  const void *in_dpc = nullptr;          // of a spin lock: where it was taken in a DPC,
  const void *below_dispatch = nullptr;  // and where at an IRQL at which that DPC may come in between
};

// Without the frames.
KnownLock known_lock(const void *lock);
void note_initialized(const void *lock, ke::LockKind kind, const void *site);
// Does not return from an inversion.
void note_acquire(const LockCall &what, const void *lock, const void *site);
// The first of the known locks in that memory for which `is` holds; null for none.
const void *first_lock(const void *begin, size_t bytes, const std::function<bool(const void *, const KnownLock &)> &is);
void forget_order();

// Notes at which IRQL a spin lock is taken; true when a DPC may from now on find it held by the thread that it
// interrupts, and that has not been told.
bool note_level(KnownLock &known, const LockCall &what, const ETHREAD &thread, const void *site);
void log_both_levels(const void *lock);

}  // namespace ntemu::vf
