// The order in which verified drivers take their locks, and what else they do wrong with them: Driver Verifier's
// deadlock detection (kDeadlock).
#pragma once

#include "ntemu/api/enter.h"
#include "ntemu/vf/deadlock.h"

namespace ntemu::vf {

// Looks at a call of a verified driver, one of lock_calls(), before it is made. Does not return from a violation.
void check_lock_call(const api::Call &call, ULONG options);

bool verify_lock_call(const api::Call &call, uint64_t &result);  // the same as a hook

// For a machine that begins.
void boot_lock_order();

// The memory is free, or gone with its driver: there are no locks in it any more.
void forget_locks(const void *begin, size_t bytes);

// An order of taking locks that another one before contradicts.
struct Inversion {
  Cycle cycle;    // each thread took what it has, and then what it wants
  bool by_class;  // of locks that are initialized at the same places, not of the very same locks
};
std::vector<Inversion> inversions();
std::vector<std::string> describe(const Inversion &inversion);

struct LockOrderCounts {
  size_t locks;       // that are known now
  size_t edges;       // pairs in an order that was seen, of locks
  size_t classes;     // the same of classes
  size_t dropped;     // for which there was no room
  size_t inversions;  // since the boot
};
LockOrderCounts lock_order_counts();

}  // namespace ntemu::vf
