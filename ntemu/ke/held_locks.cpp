#include "ntemu/ke/held_locks.h"

namespace ntemu::ke {

void HeldLocks::add_above(const void *lock, LockKind kind, const void *site) {
  const uint32_t at = count_++;
  if (at < kMost) locks_[at] = entry(lock, kind, site);
}

void HeldLocks::close_gap(uint32_t at) {
  const uint32_t last = known() - 1;
  for (uint32_t i = at; i < last; ++i) locks_[i] = locks_[i + 1];
  --count_;
  if (count_ >= kMost) locks_[last] = {};  // one that is not known comes to stand there
}

bool HeldLocks::remove_below(const void *lock, int kind) {
  for (uint32_t i = known(); i-- > 0;) {
    if (locks_[i].lock != lock || (kind != kAnyKind && static_cast<int>(locks_[i].kind()) != kind)) continue;
    close_gap(i);
    return true;
  }
  // It may be one of those that are only counted.
  if (count_ > kMost) {
    --count_;
    return true;
  }
  const HeldLock *unknown = find(nullptr);
  if (unknown) close_gap(static_cast<uint32_t>(unknown - locks_));
  return unknown != nullptr;
}

const HeldLock *HeldLocks::find(const void *lock) const {
  for (uint32_t i = known(); i-- > 0;) {
    if (locks_[i].lock == lock) return &locks_[i];
  }
  return nullptr;
}

void HeldLocks::change_kind(const void *lock, LockKind kind) {
  for (uint32_t i = 0; i < known(); ++i) {
    if (locks_[i].lock != lock) continue;
    locks_[i] = entry(lock, kind, locks_[i].site());
  }
}

}  // namespace ntemu::ke
