#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

constexpr ULONG kSemaphores = 1u << kSemaphore;

bool exceeds(LONG count, LONG adjustment, LONG limit) {
  LONG sum;
  return adjustment <= 0 || __builtin_add_overflow(count, adjustment, &sum) || sum > limit;
}

__attribute__((noinline)) LONG release_slowly(KSEMAPHORE &semaphore, KPRIORITY increment, LONG adjustment,
                                              BOOLEAN wait) {
  WakeList wakes;
  LONG previous;
  bool exceeded;
  {
    DispatcherLock lock;
    freeze(semaphore.Header);
    previous = signal_state(semaphore.Header);
    exceeded = exceeds(previous, adjustment, semaphore.Limit);
    if (!exceeded) {
      set_state(semaphore.Header, previous + adjustment);
      release_waiters(semaphore.Header, increment, wakes);
    }
    thaw(semaphore.Header);
  }
  if (exceeded) raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  announce_if(wait, wakes);
  return previous;
}

inline LONG release_semaphore(PRKSEMAPHORE semaphore, KPRIORITY increment, LONG adjustment, BOOLEAN wait,
                              const void *caller) {
  HeaderWord seen = check_object(semaphore, kSemaphores, caller);
  while (!wait && !(seen & kHasWaiters) && !exceeds(state_in(seen), adjustment, semaphore->Limit)) {
    if (exchange_word(semaphore->Header, seen, with_state(seen, state_in(seen) + adjustment))) return state_in(seen);
  }
  return release_slowly(*semaphore, increment, adjustment, wait);
}

}  // namespace

VOID KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
  NT_ENTER(KeInitializeSemaphore, Semaphore, Count, Limit);
  Semaphore->Limit = Limit;
  initialize_header(Semaphore->Header, kSemaphore, sizeof(KSEMAPHORE), Count);
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore) {
  NT_ENTER(KeReadStateSemaphore, Semaphore);
  return state_in(check_object(Semaphore, kSemaphores, __builtin_return_address(0)));
}

LONG KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait) {
  NT_FAST(KeReleaseSemaphore, release_semaphore, Semaphore, Increment, Adjustment, Wait);
}
