// What the NT calls are measured against: the host's own locks, in the same loops.
#pragma once

#include <cstdint>

namespace ntemu::bench {

// Like an operation of the driver (lock_bench.h).
struct Yardstick {
  const char *name;
  void (*prepare)(unsigned index);
  void (*loop)(unsigned index, uint64_t count);
};

extern const Yardstick kPthreadMutex, kRecursivePthreadMutex, kPthreadRwlockWrite, kPthreadRwlockRead, kExchangePair,
    kPthreadSpinlock, kSemTrywait, kSemTrywaitPost, kFutexPing, kFutexPong;

}  // namespace ntemu::bench
