#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

namespace {

// Bits of FAST_MUTEX.Count. Free: kFree. Each waiter adds kWaiter; the waker of one trades its kWaiter for kWoken.
enum : LONG { kFree = 1, kWoken = 2, kWaiter = 4 };

bool exchange_if(LONG &count, LONG &seen, LONG wanted) {
  return __atomic_compare_exchange_n(&count, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool try_take(FAST_MUTEX &mutex) {
  LONG seen = __atomic_load_n(&mutex.Count, __ATOMIC_RELAXED);
  while (seen & kFree) {
    if (exchange_if(mutex.Count, seen, seen & ~kFree)) return true;
  }
  return false;
}

__attribute__((noinline)) void ExpAcquireFastMutexContended(PFAST_MUTEX FastMutex) {
  __atomic_fetch_add(&FastMutex->Contention, 1, __ATOMIC_RELAXED);
  LONG take = kFree;    // bits to clear when it is taken
  LONG join = kWaiter;  // what joining the waiters adds
  LONG seen = __atomic_load_n(&FastMutex->Count, __ATOMIC_RELAXED);
  for (;;) {
    if (seen & kFree) {
      if (exchange_if(FastMutex->Count, seen, seen & ~take)) return;
    } else if (exchange_if(FastMutex->Count, seen, seen + join)) {
      KeWaitForSingleObject(&FastMutex->Event, WrFastMutex, KernelMode, FALSE, nullptr);
      take = kFree | kWoken;
      join = kWaiter - kWoken;
      seen = __atomic_load_n(&FastMutex->Count, __ATOMIC_RELAXED);
    }
  }
}

void own(FAST_MUTEX &mutex, ETHREAD &thread, KIRQL old_irql) {
  __atomic_store_n(&mutex.Owner, static_cast<PVOID>(&thread), __ATOMIC_RELAXED);
  mutex.OldIrql = old_irql;
  ke::note_progress(thread);
}

}  // namespace

VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExInitializeFastMutex, FastMutex);
  FastMutex->Count = kFree;
  FastMutex->Owner = nullptr;
  FastMutex->Contention = 0;
  KeInitializeEvent(&FastMutex->Event, SynchronizationEvent, FALSE);
}

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExAcquireFastMutex, FastMutex);
  ETHREAD &thread = ke::current();
  const KIRQL old_irql = thread.irql;
  if (old_irql < APC_LEVEL) thread.irql = APC_LEVEL;
  LONG seen = kFree;
  if (!exchange_if(FastMutex->Count, seen, 0) && !try_take(*FastMutex)) ExpAcquireFastMutexContended(FastMutex);
  own(*FastMutex, thread, old_irql);
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExTryToAcquireFastMutex, FastMutex);
  ETHREAD &thread = ke::current();
  if (!try_take(*FastMutex)) return FALSE;
  const KIRQL old_irql = thread.irql;
  if (old_irql < APC_LEVEL) thread.irql = APC_LEVEL;
  own(*FastMutex, thread, old_irql);
  return TRUE;
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  NT_ENTER(ExReleaseFastMutex, FastMutex);
  ETHREAD &thread = ke::current();
  const auto old_irql = static_cast<KIRQL>(FastMutex->OldIrql);
  __atomic_store_n(&FastMutex->Owner, nullptr, __ATOMIC_RELAXED);
  LONG seen = 0;
  while (!exchange_if(FastMutex->Count, seen, [&] {
    const bool wakes = seen >= kWaiter && !(seen & kWoken);
    return (wakes ? seen - kWaiter + kWoken : seen) | kFree;
  }())) {
  }
  if (seen >= kWaiter && !(seen & kWoken)) KeSetEvent(&FastMutex->Event, IO_NO_INCREMENT, FALSE);
  thread.irql = old_irql;
}
