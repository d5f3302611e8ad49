// The header of dispatcher objects: its lock bit and its checks. The only file that handles lock bits inside NT
// objects.
#pragma once

#include <sched.h>

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

inline constexpr LONG kHeaderLockBit = 0x80;

inline UCHAR type_of(const DISPATCHER_HEADER &header) {
  return static_cast<UCHAR>(__atomic_load_n(&header.Lock, __ATOMIC_RELAXED) & 0x7f);
}

// Held for a few instructions only, never across a wait or a call into a driver. Its release is the last touch of an
// object that it makes acquirable: the object may be gone right afterwards.
class HeaderLock {
 public:
  explicit HeaderLock(DISPATCHER_HEADER &header) : header_(header) {
    while (__atomic_fetch_or(&header.Lock, kHeaderLockBit, __ATOMIC_ACQUIRE) & kHeaderLockBit) spin();
  }
  ~HeaderLock() {
    __atomic_store_n(&header_.Lock, __atomic_load_n(&header_.Lock, __ATOMIC_RELAXED) & ~kHeaderLockBit,
                     __ATOMIC_RELEASE);
  }
  HeaderLock(const HeaderLock &) = delete;
  HeaderLock &operator=(const HeaderLock &) = delete;

 private:
  void spin() {
    for (int i = 0; __atomic_load_n(&header_.Lock, __ATOMIC_RELAXED) & kHeaderLockBit; ++i) {
      if (i < 64) {
        __builtin_ia32_pause();
      } else {
        sched_yield();
      }
    }
  }
  DISPATCHER_HEADER &header_;
};

// Ends the machine when `object` cannot be a dispatcher object of one of `types` (bit mask of DispatcherType).
[[noreturn]] void bad_object(const void *object, const void *caller);

inline constexpr ULONG kAnyWaitable = 0x3ff & ~(1u << kGate);

inline DISPATCHER_HEADER &check_object(void *object, ULONG types, const void *caller) {
  // User space ends at 2^47; a smaller or unaligned address never was an object either.
  const auto address = reinterpret_cast<ULONG_PTR>(object);
  if ((address >> 47) != 0 || address < 0x10000 || (address & 7) != 0) [[unlikely]]
    bad_object(object, caller);
  auto &header = *static_cast<DISPATCHER_HEADER *>(object);
  const UCHAR type = type_of(header);
  if (type > kSynchronizationTimer || !(types >> type & 1)) [[unlikely]]
    bad_object(object, caller);
  return header;
}

}  // namespace ntemu::ke
