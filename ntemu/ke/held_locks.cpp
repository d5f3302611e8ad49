#include "ntemu/ke/held_locks.h"

namespace ntemu::ke {

void HeldLocks::remove_below(const void *lock) {
  for (uint32_t i = known(); i-- > 0;) {
    if (locks_[i].lock != lock) continue;
    const uint32_t last = known() - 1;
    for (; i < last; ++i) locks_[i] = locks_[i + 1];
    --count_;
    if (count_ >= kMost) locks_[last] = {};  // one that is not known comes to stand there
    return;
  }
  if (count_ > kMost) --count_;
}

}  // namespace ntemu::ke
