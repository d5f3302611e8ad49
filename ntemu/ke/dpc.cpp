// Deferred procedure calls: each processor's queues, who runs what is in them, and threaded DPCs.
#include "ntemu/ke/dpc.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace ntemu::ke {
namespace {

// KDPC.Number of a DPC with a target: this plus the processor's number. (What Windows stores is unverified.)
constexpr USHORT kTargeted = kMostProcessors;

// A DPC as it was queued: its object may be gone, or queued anew, once it is off the queue.
struct Call {
  PKDPC dpc;
  PKDEFERRED_ROUTINE routine;
  PVOID context, argument1, argument2;
};

class QueueLock {
 public:
  explicit QueueLock(DpcData &data) : data_(data) {
    for (uint32_t round = 0; __atomic_exchange_n(&data.DpcLock, 1, __ATOMIC_ACQUIRE) != 0; ++round) spin(round);
  }
  ~QueueLock() { __atomic_store_n(&data_.DpcLock, 0, __ATOMIC_RELEASE); }
  QueueLock(const QueueLock &) = delete;
  QueueLock &operator=(const QueueLock &) = delete;

 private:
  DpcData &data_;
};

void set_depth(DpcData &data, LONG depth) { __atomic_store_n(&data.DpcQueueDepth, depth, __ATOMIC_RELEASE); }

bool enqueue(Processor &processor, KDPC &dpc, PVOID argument1, PVOID argument2) {
  const bool threaded = dpc.Type == kThreadedDpcObject;
  DpcData &data = processor.Dpcs[threaded];
  QueueLock lock(data);
  PVOID none = nullptr;
  if (!__atomic_compare_exchange_n(&dpc.DpcData, &none, &data, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return false;
  dpc.SystemArgument1 = argument1;
  dpc.SystemArgument2 = argument2;
  SINGLE_LIST_ENTRY &entry = dpc.DpcListEntry;
  if (!data.ListHead || dpc.Importance == HighImportance) {
    entry.Next = data.ListHead;
    data.ListHead = &entry;
    if (!entry.Next) data.LastEntry = &entry;
  } else {
    entry.Next = nullptr;
    data.LastEntry->Next = &entry;
    data.LastEntry = &entry;
  }
  set_depth(data, data.DpcQueueDepth + 1);
  ++data.DpcCount;
  if (threaded) processor.threaded_due.store(true, std::memory_order_release);
  return true;
}

bool dequeue(DpcData &data, Call &call) {
  QueueLock lock(data);
  if (!data.ListHead) return false;
  KDPC &dpc = *CONTAINING_RECORD(data.ListHead, KDPC, DpcListEntry);
  data.ListHead = data.ListHead->Next;
  if (!data.ListHead) data.LastEntry = nullptr;
  set_depth(data, data.DpcQueueDepth - 1);
  call = {&dpc, dpc.DeferredRoutine, dpc.DeferredContext, dpc.SystemArgument1, dpc.SystemArgument2};
  __atomic_store_n(&data.ActiveDpc, &dpc, __ATOMIC_RELAXED);
  __atomic_store_n(&dpc.DpcData, nullptr, __ATOMIC_RELEASE);
  return true;
}

bool unlink(DpcData &data, KDPC &dpc) {
  QueueLock lock(data);
  if (__atomic_load_n(&dpc.DpcData, __ATOMIC_RELAXED) != &data) return false;
  SINGLE_LIST_ENTRY *previous = nullptr, *entry = data.ListHead;
  while (entry != &dpc.DpcListEntry) {
    previous = entry;
    entry = entry->Next;
  }
  (previous ? previous->Next : data.ListHead) = entry->Next;
  if (data.LastEntry == entry) data.LastEntry = previous;
  set_depth(data, data.DpcQueueDepth - 1);
  __atomic_store_n(&dpc.DpcData, nullptr, __ATOMIC_RELEASE);
  return true;
}

void run(ETHREAD &thread, const Call &call) {
  const KIRQL irql = thread.irql;
  const ULONG before = thread.Tcb.CombinedApcDisable;
  call.routine(call.dpc, call.context, call.argument1, call.argument2);
  const auto routine = reinterpret_cast<ULONG_PTR>(call.routine);
  // IRQL_UNEXPECTED_VALUE (its low byte for a DPC is unverified); TIMER_OR_DPC_INVALID
  if (thread.irql != irql) bugcheck(0xC8, static_cast<ULONG_PTR>(thread.irql << 16 | irql << 8 | 0xFF), routine);
  if (thread.Tcb.CombinedApcDisable != before) bugcheck(0xC7, 4, routine, before, thread.Tcb.CombinedApcDisable);
}

// Whoever has the processor, or is made to take it, runs what was queued to it.
void request_dpcs(ETHREAD &thread, Processor &processor) {
  const bool own = thread.irql >= DISPATCH_LEVEL && thread.processor == &processor;
  uintptr_t word = processor.word.load(std::memory_order_relaxed);
  // An exchange even if the flag is set: it has to come after the queue's change for the holder, too.
  while (own || (word != 0 && !(word & kBiased))) {
    if (processor.word.compare_exchange_weak(word, word | kDpcsDue, std::memory_order_acq_rel)) return;
  }
  processor.idle_word.fetch_add(1, std::memory_order_acq_rel);
  wake(processor.idle_word);
}

// At DISPATCH_LEVEL on `processor`.
void hand_to_thread(Processor &processor) {
  KeClearEvent(&processor.threaded_idle);
  if (!processor.has_dpc_thread) processor.has_dpc_thread = create_dpc_thread(KiExecuteDpc, &processor);
  KeSetEvent(&processor.threaded_work, IO_NO_INCREMENT, FALSE);
}

void initialize(KDPC &dpc, DpcKind kind, PKDEFERRED_ROUTINE routine, PVOID context) {
  dpc = {};
  dpc.Type = kind;
  dpc.Importance = MediumImportance;
  dpc.DeferredRoutine = routine;
  dpc.DeferredContext = context;
}

}  // namespace

bool (*create_dpc_thread)(PKSTART_ROUTINE, void *) = [](PKSTART_ROUTINE, void *) { return false; };

void run_dpcs(ETHREAD &thread, Processor &processor) {
  processor.runs_dpcs.store(true);
  rest_count.fetch_add(1);
  Call call;
  while (!leaving.load(std::memory_order_relaxed) && dequeue(processor.Dpcs[0], call)) run(thread, call);
  __atomic_store_n(&processor.Dpcs[0].ActiveDpc, nullptr, __ATOMIC_RELAXED);
  if (processor.threaded_due.exchange(false)) hand_to_thread(processor);
  processor.runs_dpcs.store(false);
  note_rest();
}

void forget_dpcs(Processor &processor) {
  for (DpcData &data : processor.Dpcs) {
    QueueLock lock(data);
    data.ListHead = data.LastEntry = nullptr;
    set_depth(data, 0);
    data.ActiveDpc = nullptr;
  }
  processor.threaded_due = false;
  processor.runs_dpcs = false;
}

bool dpcs_are_due() {
  for (unsigned i = 0; i < processor_count(); ++i) {
    const Processor &each = processor(i);
    if (has_dpcs(each) || each.runs_dpcs.load() || __atomic_load_n(&each.Dpcs[1].DpcQueueDepth, __ATOMIC_ACQUIRE) != 0)
      return true;
  }
  return false;
}

bool is_dpc_thread(const ETHREAD &thread) { return thread.StartAddress == reinterpret_cast<PVOID>(KiExecuteDpc); }

bool is_idle_dpc_thread(const ETHREAD &thread) {
  if (!is_dpc_thread(thread) || !is_asleep(thread)) return false;
  return !__atomic_load_n(&static_cast<Processor *>(thread.start_context)->Dpcs[1].ActiveDpc, __ATOMIC_RELAXED);
}

}  // namespace ntemu::ke

// The start routine of a processor's thread for threaded DPCs; it ends with its machine.
VOID KiExecuteDpc(PVOID Processor) {
  auto &self = *static_cast<ke::Processor *>(Processor);
  ETHREAD &thread = current();
  thread.system_affinity = KAFFINITY{1} << self.Number;
  for (;;) {
    KeWaitForSingleObject(&self.threaded_work, Executive, KernelMode, FALSE, nullptr);
    Call call;
    while (dequeue(self.Dpcs[1], call)) run(thread, call);
    __atomic_store_n(&self.Dpcs[1].ActiveDpc, nullptr, __ATOMIC_RELAXED);
    const KIRQL old = raise_irql(thread, DISPATCH_LEVEL);
    if (__atomic_load_n(&self.Dpcs[1].DpcQueueDepth, __ATOMIC_RELAXED) == 0 && !self.threaded_due.load())
      KeSetEvent(&self.threaded_idle, IO_NO_INCREMENT, FALSE);
    lower_irql(thread, old);
  }
}

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
  NT_ENTER(KeInitializeDpc, Dpc, DeferredRoutine, DeferredContext);
  initialize(*Dpc, kDpcObject, DeferredRoutine, DeferredContext);
}

VOID KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
  NT_ENTER(KeInitializeThreadedDpc, Dpc, DeferredRoutine, DeferredContext);
  initialize(*Dpc, kThreadedDpcObject, DeferredRoutine, DeferredContext);
}

BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2) {
  NT_ENTER(KeInsertQueueDpc, Dpc, SystemArgument1, SystemArgument2);
  ETHREAD &thread = current();
  const USHORT number = Dpc->Number;
  Processor *target = number >= kTargeted ? &processor(number - kTargeted) : nullptr;
  const KIRQL old = thread.irql;
  // For the processor that it is on, the thread plays the software interrupt.
  const bool here = old < DISPATCH_LEVEL && (!target || target == &current_processor(thread));
  if (here) raise_irql(thread, DISPATCH_LEVEL);
  if (!target) target = thread.processor;
  const bool queued = enqueue(*target, *Dpc, SystemArgument1, SystemArgument2);
  if (queued) request_dpcs(thread, *target);
  if (here) lower_irql(thread, old);
  return queued;
}

BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc) {
  NT_ENTER(KeRemoveQueueDpc, Dpc);
  while (auto *data = static_cast<DpcData *>(__atomic_load_n(&Dpc->DpcData, __ATOMIC_ACQUIRE))) {
    if (unlink(*data, *Dpc)) return TRUE;
  }
  return FALSE;
}

VOID KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance) {
  NT_ENTER(KeSetImportanceDpc, Dpc, Importance);
  Dpc->Importance = static_cast<UCHAR>(Importance);
}

VOID KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number) {
  NT_ENTER(KeSetTargetProcessorDpc, Dpc, Number);
  if (static_cast<UCHAR>(Number) < processor_count()) Dpc->Number = static_cast<USHORT>(kTargeted + Number);
}

NTSTATUS KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber) {
  NT_ENTER(KeSetTargetProcessorDpcEx, Dpc, ProcNumber);
  if (ProcNumber->Group != 0 || ProcNumber->Number >= processor_count()) return STATUS_INVALID_PARAMETER;
  Dpc->Number = static_cast<USHORT>(kTargeted + ProcNumber->Number);
  return STATUS_SUCCESS;
}

VOID KeFlushQueuedDpcs() {
  NT_ENTER(KeFlushQueuedDpcs);
  require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  ETHREAD &thread = current();
  const KIRQL irql = thread.irql;
  Processor &home = current_processor(thread);
  // Who has a processor has run what was queued to it before by the time he gives it back.
  for (unsigned i = 0; i < processor_count(); ++i) {
    take_exactly(thread, processor(i));
    thread.irql = DISPATCH_LEVEL;
    lower_irql(thread, irql);
  }
  drop_bias(thread);  // it may have gone to the last of them
  thread.processor = &home;
  for (unsigned i = 0; i < processor_count(); ++i)
    KeWaitForSingleObject(&processor(i).threaded_idle, Executive, KernelMode, FALSE, nullptr);
}
