// A routine on every processor at once.
#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

// One at a time. Not on the caller's stack: a machine that ends does not wait for those that take part.
struct Broadcast {
  std::atomic<uint32_t> busy{0};
  std::atomic<uint32_t> left{0};  // those that are not done
  std::atomic<uint32_t> arrived{0}, phase{0};
  uint32_t total = 0;
  PKIPI_BROADCAST_WORKER worker = nullptr;
  KDPC dpcs[kMostProcessors];
};
Broadcast broadcast;

bool ends() { return leaving.load(std::memory_order_relaxed); }

bool meet(Broadcast &all) {
  const uint32_t phase = all.phase.load(std::memory_order_acquire);
  if (all.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == all.total) {
    all.arrived.store(0, std::memory_order_relaxed);
    all.phase.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }
  for (uint32_t round = 0; all.phase.load(std::memory_order_acquire) == phase && !ends(); ++round) spin(round);
  return false;
}

void done(Broadcast &all) { all.left.fetch_sub(1, std::memory_order_acq_rel); }

// Queues `routine` to every other processor; the caller, at DISPATCH_LEVEL or above, does its own part.
PKDPC start(PKDEFERRED_ROUTINE routine, PVOID context) {
  const unsigned own = current().processor->Number;
  broadcast.total = processor_count();
  broadcast.left.store(broadcast.total, std::memory_order_relaxed);
  broadcast.arrived.store(0, std::memory_order_relaxed);
  for (unsigned i = 0; i < processor_count(); ++i) {
    KDPC &dpc = broadcast.dpcs[i];
    KeInitializeDpc(&dpc, routine, context);
    KeSetTargetProcessorDpc(&dpc, static_cast<CCHAR>(i));
    KeSetImportanceDpc(&dpc, HighImportance);
    if (i != own) KeInsertQueueDpc(&dpc, &broadcast, &broadcast);
  }
  return &broadcast.dpcs[own];
}

void await_all() {
  for (uint32_t round = 0; broadcast.left.load(std::memory_order_acquire) != 0 && !ends(); ++round) spin(round);
}

bool try_begin() { return broadcast.busy.exchange(1, std::memory_order_acquire) == 0; }

void end() {
  broadcast.busy.store(0, std::memory_order_release);
  wake(broadcast.busy);
}

VOID run_worker(PKDPC, PVOID context, PVOID argument1, PVOID) {
  auto &all = *static_cast<Broadcast *>(argument1);
  ETHREAD &thread = current();
  const KIRQL old = raise_irql(thread, IPI_LEVEL);
  meet(all);
  all.worker(reinterpret_cast<ULONG_PTR>(context));
  lower_irql(thread, old);
  done(all);
}

}  // namespace

VOID KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context) {
  NT_ENTER(KeGenericCallDpc, Routine, Context);
  require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  while (!try_begin()) block_on(broadcast.busy, 1);
  ETHREAD &thread = current();
  const KIRQL old = raise_irql(thread, DISPATCH_LEVEL);
  const PKDPC own = start(Routine, Context);
  Routine(own, Context, &broadcast, &broadcast);
  await_all();
  end();
  lower_irql(thread, old);
}

VOID KeSignalCallDpcDone(PVOID SystemArgument1) {
  NT_ENTER(KeSignalCallDpcDone, SystemArgument1);
  done(*static_cast<Broadcast *>(SystemArgument1));
}

LOGICAL KeSignalCallDpcSynchronize(PVOID SystemArgument2) {
  NT_ENTER(KeSignalCallDpcSynchronize, SystemArgument2);
  return meet(*static_cast<Broadcast *>(SystemArgument2));
}

ULONG_PTR KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context) {
  NT_ENTER(KeIpiGenericCall, BroadcastFunction, Context);
  ETHREAD &thread = current();
  if (thread.irql >= IPI_LEVEL)
    bugcheck(0x0A, 0, thread.irql, 0, reinterpret_cast<ULONG_PTR>(__builtin_return_address(0)));
  for (uint32_t round = 0; !try_begin(); ++round) spin(round);
  const KIRQL old = raise_irql(thread, IPI_LEVEL);
  broadcast.worker = BroadcastFunction;
  start(run_worker, reinterpret_cast<PVOID>(Context));
  meet(broadcast);
  const ULONG_PTR result = BroadcastFunction(Context);
  done(broadcast);
  await_all();
  end();
  lower_irql(thread, old);
  return result;
}
