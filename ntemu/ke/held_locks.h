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

// Newest last. Of more than kMost at once only the number is kept, and an entry without a lock is one of those. Read
// and written by its thread alone.
class HeldLocks {
 public:
  static constexpr uint32_t kMost = 16;

  // The fast path is that of a thread's only lock. It stores constants: a count that goes through memory would make
  // each acquire wait for the release before it.
  void add(const void *lock, LockKind kind, const void *site) {
    if (count_ == 0) [[likely]] {
      locks_[0] = entry(lock, kind, site);
      count_ = 1;
    } else {
      add_above(lock, kind, site);
    }
  }
  // The fast path of giving back, for those that call nothing: false unless it is the thread's only lock.
  bool remove_if_only(const void *lock) {
    if (count_ != 1 || locks_[0].lock != lock) [[unlikely]]
      return false;
    count_ = 0;
    return true;
  }
  // The newest entry of `lock`, if there is one: a lock may be given back by another thread than its taker.
  void remove(const void *lock) {
    if (!remove_if_only(lock)) remove_below(lock, kAnyKind);
  }
  // The same for the newest one of that kind; false when the thread certainly holds none.
  bool remove(const void *lock, LockKind kind) {
    if (count_ == 1 && locks_[0].lock == lock && locks_[0].kind() == kind) [[likely]] {
      count_ = 0;
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
  static HeldLock entry(const void *lock, LockKind kind, const void *site) {
    return {lock, reinterpret_cast<uint64_t>(site) | uint64_t{static_cast<uint8_t>(kind)} << 56};
  }
  void add_above(const void *lock, LockKind kind, const void *site);
  bool remove_below(const void *lock, int kind);
  void close_gap(uint32_t at);

  uint32_t count_;
  HeldLock locks_[kMost];
};

}  // namespace ntemu::ke
