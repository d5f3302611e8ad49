// One-time initialization. The word's low two bits are its state; the rest is the context, or while a synchronous
// initialization runs the newest of those who wait for it. It stands in ke because it blocks.
#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;

namespace {

enum : ULONG_PTR { kFresh = 0, kInCall = 1, kDone = 2, kParallel = 3, kState = 3 };
static_assert(kState == (ULONG_PTR{1} << RTL_RUN_ONCE_CTX_RESERVED_BITS) - 1);

// On the waiter's stack, which it leaves once `wake` is set.
struct Waiter {
  KEVENT wake;
  Waiter *next;
};

ULONG_PTR load(const RTL_RUN_ONCE &once) { return __atomic_load_n(&once.Value, __ATOMIC_ACQUIRE); }

bool exchange_if(RTL_RUN_ONCE &once, ULONG_PTR seen, ULONG_PTR wanted) {
  return __atomic_compare_exchange_n(&once.Value, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

Waiter *waiters_of(ULONG_PTR value) { return reinterpret_cast<Waiter *>(value & ~kState); }

// Until the initialization that was under way when `seen` was read has ended.
void wait_for_end(RTL_RUN_ONCE &once, ULONG_PTR seen) {
  Waiter waiter;
  KeInitializeEvent(&waiter.wake, SynchronizationEvent, FALSE);
  waiter.next = waiters_of(seen);
  if (exchange_if(once, seen, reinterpret_cast<ULONG_PTR>(&waiter) | kInCall))
    KeWaitForSingleObject(&waiter.wake, Executive, KernelMode, FALSE, nullptr);
}

void wake_all(Waiter *waiter) {
  while (waiter) {
    Waiter *next = waiter->next;
    KeSetEvent(&waiter->wake, IO_NO_INCREMENT, FALSE);  // the waiter is gone from here on
    waiter = next;
  }
}

}  // namespace

VOID RtlRunOnceInitialize(PRTL_RUN_ONCE RunOnce) {
  NT_ENTER(RtlRunOnceInitialize, RunOnce);
  __atomic_store_n(&RunOnce->Value, ULONG_PTR{kFresh}, __ATOMIC_RELEASE);
}

NTSTATUS RtlRunOnceBeginInitialize(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context) {
  NT_ENTER(RtlRunOnceBeginInitialize, RunOnce, Flags, Context);
  const bool parallel = Flags & RTL_RUN_ONCE_ASYNC;
  if ((Flags & ~(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_CHECK_ONLY)) || (parallel && (Flags & RTL_RUN_ONCE_CHECK_ONLY)))
    return STATUS_INVALID_PARAMETER_2;
  for (;;) {
    const ULONG_PTR seen = load(*RunOnce);
    const ULONG_PTR state = seen & kState;
    if (state == kDone) {
      if (Context) *Context = reinterpret_cast<PVOID>(seen & ~kState);
      return STATUS_SUCCESS;
    }
    if (Flags & RTL_RUN_ONCE_CHECK_ONLY) return STATUS_UNSUCCESSFUL;
    if (state == kFresh) {
      if (!exchange_if(*RunOnce, seen, parallel ? kParallel : kInCall)) continue;
      ke::note_progress(ke::current());
      return STATUS_PENDING;
    }
    if (parallel != (state == kParallel)) return STATUS_INVALID_PARAMETER_2;
    if (parallel) return STATUS_PENDING;
    wait_for_end(*RunOnce, seen);
  }
}

NTSTATUS RtlRunOnceComplete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context) {
  NT_ENTER(RtlRunOnceComplete, RunOnce, Flags, Context);
  const bool parallel = Flags & RTL_RUN_ONCE_ASYNC;
  const bool failed = Flags & RTL_RUN_ONCE_INIT_FAILED;
  if ((Flags & ~(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_INIT_FAILED)) || (parallel && failed))
    return STATUS_INVALID_PARAMETER_2;
  const auto context = reinterpret_cast<ULONG_PTR>(Context);
  if ((context & kState) || (failed && Context)) return STATUS_INVALID_PARAMETER_3;
  for (;;) {
    const ULONG_PTR seen = load(*RunOnce);
    const ULONG_PTR state = seen & kState;
    if (state == kFresh || state == kDone) return STATUS_UNSUCCESSFUL;
    if (parallel != (state == kParallel)) return STATUS_INVALID_PARAMETER_2;
    if (!exchange_if(*RunOnce, seen, failed ? kFresh : context | kDone)) continue;
    if (!parallel) wake_all(waiters_of(seen));
    return STATUS_SUCCESS;
  }
}

NTSTATUS RtlRunOnceExecuteOnce(PRTL_RUN_ONCE RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter, PVOID *Context) {
  NT_ENTER(RtlRunOnceExecuteOnce, RunOnce, InitFn, Parameter, Context);
  PVOID ignored;
  PVOID &context = Context ? *Context : ignored;
  KeEnterCriticalRegion();
  NTSTATUS status = RtlRunOnceBeginInitialize(RunOnce, 0, &context);
  if (status == STATUS_PENDING) {
    context = nullptr;
    if (InitFn(RunOnce, Parameter, &context)) {
      status = RtlRunOnceComplete(RunOnce, 0, context);
    } else {
      RtlRunOnceComplete(RunOnce, RTL_RUN_ONCE_INIT_FAILED, nullptr);
      status = STATUS_UNSUCCESSFUL;
    }
  }
  KeLeaveCriticalRegion();
  return status;
}
