#include "ntemu/ke/apc.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/wait.h"

namespace ntemu::ke {
namespace {

constexpr UCHAR kApcObject = 18;

int threads_with_apcs = 0;  // guarded by the dispatcher lock

LIST_ENTRY &apcs_of(const ETHREAD &thread, KPROCESSOR_MODE mode) {
  return const_cast<ETHREAD &>(thread).Tcb.ApcState.ApcListHead[mode != KernelMode];
}
KAPC &apc_at(LIST_ENTRY *entry) { return *CONTAINING_RECORD(entry, KAPC, ApcListEntry); }

// While some thread has a kernel APC to take, every API looks whether it is its caller.
void set_due(ETHREAD &thread, bool due) {
  if (thread.apc_due.exchange(due) == due) return;
  threads_with_apcs += due ? 1 : -1;
  thread.Tcb.ApcState.KernelApcPending = due;
  if (threads_with_apcs > 0) {
    api::hooks.fetch_or(api::kApcs);
  } else {
    api::hooks.fetch_and(~uint32_t{api::kApcs});
  }
}

// Special kernel APCs come before normal ones, each kind in the order of arrival.
void enqueue(KAPC &apc) {
  LIST_ENTRY &head = apcs_of(ethread(apc.Thread), apc.ApcMode);
  LIST_ENTRY *before = &head;
  if (apc.ApcMode == KernelMode && !apc.NormalRoutine) {
    before = head.Flink;
    while (before != &head && !apc_at(before).NormalRoutine) before = before->Flink;
  }
  InsertTailList(before, &apc.ApcListEntry);
  apc.Inserted = TRUE;
}

void dequeue(KAPC &apc) {
  RemoveEntryList(&apc.ApcListEntry);
  apc.Inserted = FALSE;
  ETHREAD &thread = ethread(apc.Thread);
  if (IsListEmpty(&apcs_of(thread, KernelMode))) set_due(thread, false);
}

void end_wait_of(ETHREAD &thread, NTSTATUS status, KPRIORITY increment, WakeList &wakes) {
  unlink_waits(thread);
  wakes.unwait(thread, status, increment);
}

// What the new APC does to a thread that sleeps.
void interrupt_wait(ETHREAD &thread, const KAPC &apc, KPRIORITY increment, WakeList &wakes) {
  if (!is_asleep_locked(thread)) return;
  if (apc.ApcMode == KernelMode) {
    if (kernel_apc_deliverable(thread)) end_wait_of(thread, kKernelApc, increment, wakes);
  } else if (thread.Tcb.WaitMode == UserMode && (thread.wait_alertable || thread.Tcb.ApcState.UserApcPending)) {
    thread.Tcb.ApcState.UserApcPending = TRUE;
    end_wait_of(thread, STATUS_USER_APC, increment, wakes);
  }
}

// What an APC is to run with. Once off its queue, the APC itself may be queued anew, and its kernel routine may free
// it.
struct Call {
  KAPC *apc;
  PKKERNEL_ROUTINE kernel_routine;
  PKNORMAL_ROUTINE routine;
  PVOID context, first, second;
};

// The first APC that the thread may take now, off its queue.
bool next_apc(ETHREAD &thread, Call &call) {
  DispatcherLock lock;
  if (!kernel_apc_deliverable(thread)) return false;
  KAPC &apc = apc_at(apcs_of(thread, KernelMode).Flink);
  call = {&apc, apc.KernelRoutine, apc.NormalRoutine, apc.NormalContext, apc.SystemArgument1, apc.SystemArgument2};
  dequeue(apc);
  return true;
}

}  // namespace

bool kernel_apc_deliverable(const ETHREAD &thread) {
  const KTHREAD &tcb = thread.Tcb;
  const LIST_ENTRY &head = apcs_of(thread, KernelMode);
  if (head.Flink == &head || thread.irql >= APC_LEVEL || tcb.SpecialApcDisable != 0) return false;
  return !apc_at(head.Flink).NormalRoutine || (tcb.KernelApcDisable == 0 && !tcb.ApcState.KernelApcInProgress);
}

void deliver_apcs(ETHREAD &thread) {
  Call call;
  while (next_apc(thread, call)) {
    auto &[apc, kernel_routine, routine, context, first, second] = call;
    const bool normal = routine != nullptr;
    const KIRQL old_irql = thread.irql;
    const ULONG regions = thread.Tcb.CombinedApcDisable;
    thread.irql = APC_LEVEL;
    kernel_routine(apc, &routine, &context, &first, &second);
    // APC_INDEX_MISMATCH: what disabled APCs was not balanced; IRQL_UNEXPECTED_VALUE.
    if (thread.Tcb.CombinedApcDisable != regions)
      bugcheck(0x01, reinterpret_cast<ULONG_PTR>(kernel_routine), 0, thread.Tcb.CombinedApcDisable, 0);
    if (thread.irql != APC_LEVEL)
      bugcheck(0xC8, ULONG_PTR{APC_LEVEL} << 16 | thread.irql, reinterpret_cast<ULONG_PTR>(kernel_routine), 0, 0);
    thread.irql = old_irql;
    if (!normal || !routine) continue;
    thread.Tcb.ApcState.KernelApcInProgress = TRUE;
    routine(context, first, second);
    thread.Tcb.ApcState.KernelApcInProgress = FALSE;
  }
}

void run_down_apcs(ETHREAD &thread) {
  if (!leaving.load()) check_apcs(thread);
  {
    DispatcherLock lock;
    thread.no_more_apcs = true;
    if (leaving.load() && !thread.adopted) return set_due(thread, false);  // the APCs themselves may have gone
  }
  for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
    for (;;) {
      KAPC *apc = nullptr;
      {
        DispatcherLock lock;
        LIST_ENTRY &head = apcs_of(thread, mode);
        if (!IsListEmpty(&head)) dequeue(*(apc = &apc_at(head.Flink)));
      }
      if (!apc) break;
      if (apc->RundownRoutine && !leaving.load()) apc->RundownRoutine(apc);
    }
  }
}

}  // namespace ntemu::ke

using namespace ntemu;
using namespace ntemu::ke;

VOID KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment, PKKERNEL_ROUTINE KernelRoutine,
                     PKRUNDOWN_ROUTINE RundownRoutine, PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                     PVOID NormalContext) {
  NT_ENTER(KeInitializeApc, Apc, Thread, Environment, KernelRoutine, RundownRoutine, NormalRoutine, ApcMode,
           NormalContext);
  *Apc = {};
  Apc->Type = kApcObject;
  Apc->Size = sizeof(KAPC);
  Apc->Thread = Thread;
  Apc->ApcStateIndex = static_cast<CCHAR>(Environment == CurrentApcEnvironment ? OriginalApcEnvironment : Environment);
  Apc->KernelRoutine = KernelRoutine;
  Apc->RundownRoutine = RundownRoutine;
  Apc->NormalRoutine = NormalRoutine;
  // A special APC is the kernel's, and has no context.
  Apc->ApcMode = NormalRoutine ? ApcMode : KPROCESSOR_MODE{KernelMode};
  Apc->NormalContext = NormalRoutine ? NormalContext : nullptr;
}

BOOLEAN KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment) {
  NT_ENTER(KeInsertQueueApc, Apc, SystemArgument1, SystemArgument2, Increment);
  ETHREAD &thread = ethread(Apc->Thread);
  {
    WakeList wakes;
    DispatcherLock lock;
    if (Apc->Inserted || thread.no_more_apcs) return FALSE;
    Apc->SystemArgument1 = SystemArgument1;
    Apc->SystemArgument2 = SystemArgument2;
    enqueue(*Apc);
    if (Apc->ApcMode == KernelMode) set_due(thread, true);
    interrupt_wait(thread, *Apc, Increment, wakes);
  }
  if (&thread == &current()) check_apcs(thread);
  return TRUE;
}

BOOLEAN KeRemoveQueueApc(PRKAPC Apc) {
  NT_ENTER(KeRemoveQueueApc, Apc);
  DispatcherLock lock;
  if (!Apc->Inserted) return FALSE;
  dequeue(*Apc);
  return TRUE;
}

BOOLEAN KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode) {
  NT_ENTER(KeAlertThread, Thread, AlertMode);
  ETHREAD &thread = ethread(Thread);
  WakeList wakes;
  DispatcherLock lock;
  BOOLEAN &alerted = Thread->Alerted[AlertMode != KernelMode];
  const BOOLEAN before = alerted;
  // An alert for one mode ends the waits of that mode, and one for the kernel those of both.
  if (!before && is_asleep_locked(thread) && thread.wait_alertable && AlertMode <= Thread->WaitMode) {
    unlink_waits(thread);
    wakes.unwait(thread, STATUS_ALERTED, 0);
  } else {
    alerted = TRUE;
  }
  return before;
}

BOOLEAN KeTestAlertThread(KPROCESSOR_MODE AlertMode) {
  NT_ENTER(KeTestAlertThread, AlertMode);
  KTHREAD &thread = current().Tcb;
  DispatcherLock lock;
  BOOLEAN &alerted = thread.Alerted[AlertMode != KernelMode];
  const BOOLEAN before = alerted;
  if (before) {
    alerted = FALSE;
  } else if (AlertMode == UserMode && !IsListEmpty(&thread.ApcState.ApcListHead[UserMode])) {
    thread.ApcState.UserApcPending = TRUE;
  }
  return before;
}
