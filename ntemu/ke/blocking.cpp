#include "ntemu/ke/blocking.h"

#include "ntemu/ke/policy.h"

namespace ntemu::ke {

std::atomic<uint32_t> blocked_holders{0};
std::atomic<bool> every_wait_concerns{false};
std::atomic<void (*)(ETHREAD &thread)> thread_blocks{[](ETHREAD &) {}};

namespace {

void set_wanted(WantedLock &wanted, const void *lock, LockKind kind, const void *site, bool spins) {
  wanted.number.fetch_add(1, std::memory_order_relaxed);
  wanted.site_and_kind.store(reinterpret_cast<uint64_t>(site) | uint64_t{static_cast<uint8_t>(kind)} << 56,
                             std::memory_order_relaxed);
  wanted.spins.store(spins, std::memory_order_relaxed);
  wanted.lock.store(lock);
}

}  // namespace

Wanting::Wanting(ETHREAD &thread, const void *lock, LockKind kind, const void *site)
    : thread_(thread),
      outer_lock_(thread.wanted.lock.load(std::memory_order_relaxed)),
      outer_site_(thread.wanted.site_and_kind.load(std::memory_order_relaxed)) {
  set_wanted(thread.wanted, lock, kind, site, false);
}

Wanting::~Wanting() {
  thread_.wanted.site_and_kind.store(outer_site_, std::memory_order_relaxed);
  thread_.wanted.lock.store(outer_lock_, std::memory_order_relaxed);
}

void SpinWait::round() {
  if (++round_ % kLong == 0) [[unlikely]] {
    if (!wanting_) begin();
    // A reader that has got the lock would still be seen waiting for those who share it.
    const bool may_share = kind_ == LockKind::kSpinLockShared;
    if (may_share) thread_.wanted.lock.store(lock_);
    if (concerns_others(thread_)) thread_blocks.load(std::memory_order_acquire)(thread_);
    if (may_share) thread_.wanted.lock.store(nullptr);
  }
  spin(round_);
}

void SpinWait::begin() {
  wanting_ = true;
  outer_lock_ = thread_.wanted.lock.load(std::memory_order_relaxed);
  outer_site_ = thread_.wanted.site_and_kind.load(std::memory_order_relaxed);
  set_wanted(thread_.wanted, lock_, kind_, site_, true);
  count_in(thread_);
}

void SpinWait::end() {
  count_out(thread_);
  thread_.wanted.spins.store(false, std::memory_order_relaxed);
  thread_.wanted.site_and_kind.store(outer_site_, std::memory_order_relaxed);
  thread_.wanted.lock.store(outer_lock_, std::memory_order_relaxed);
}

}  // namespace ntemu::ke
