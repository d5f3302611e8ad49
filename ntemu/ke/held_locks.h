// The locks that a thread holds, and where it took them: what a stop report, the verifier and a debugger tell of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ntemu::ke {

enum class LockKind : uint8_t {
  kMutex,
  kFastMutex,
  kGuardedMutex,
  kPushLockExclusive,
  kPushLockShared,
  kResourceExclusive,
  kResourceShared,
  kSpinLock,
  kSpinLockShared
};

struct HeldLock {
  const void *lock;
  uint64_t site_and_kind;  // the caller's return address in the low 56 bits
  const void *site() const { return reinterpret_cast<const void *>(site_and_kind & ((uint64_t{1} << 56) - 1)); }
  LockKind kind() const { return static_cast<LockKind>(site_and_kind >> 56); }
};

// Newest last. Of more than kMost at once only the number is kept, and an entry
// without a lock is one of those. Read and written by its thread alone.
class HeldLocks {
 public:
  static constexpr uint32_t kMost = 16;

  void add(const void *lock, LockKind kind, const void *site) {
    const uint32_t at = count_++;
    if (at < kMost) [[likely]]
      locks_[at] = {lock, reinterpret_cast<uint64_t>(site) | uint64_t{static_cast<uint8_t>(kind)} << 56};
  }
  // The newest entry of `lock`, if there is one: a lock may be given back by another thread than its taker.
  void remove(const void *lock) {
    if (is_newest(lock)) [[likely]]
      remove_newest();
    else
      remove_below(lock, kAnyKind);
  }
  // The same in two steps, for a fast path that calls nothing.
  bool is_newest(const void *lock) const { return count_ - 1 < kMost && locks_[count_ - 1].lock == lock; }
  void remove_newest() { --count_; }
  // The same for the newest one of that kind; false when the thread certainly holds none.
  bool remove(const void *lock, LockKind kind) {
    if (const uint32_t top = count_ - 1; top < kMost && locks_[top].lock == lock && locks_[top].kind() == kind)
        [[likely]] {
      count_ = top;
      return true;
    }
    return remove_below(lock, static_cast<int>(kind));
  }
  // The newest entry of `lock`, nullptr when none is known.
  const HeldLock *find(const void *lock) const;
  // What is held of `lock` is held in that way from now on.
  void change_kind(const void *lock, LockKind kind);
  uint32_t count() const { return count_; }
  uint32_t known() const { return count_ < kMost ? count_ : kMost; }
  const HeldLock &operator[](size_t i) const { return locks_[i]; }

 private:
  static constexpr int kAnyKind = -1;
  bool remove_below(const void *lock, int kind);
  void close_gap(uint32_t at);

  uint32_t count_;
  HeldLock locks_[kMost];
};

}  // namespace ntemu::ke
