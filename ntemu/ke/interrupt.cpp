#include "ntemu/ke/interrupt.h"

#include <algorithm>
#include <vector>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/spin_lock.h"

using namespace ntemu;
using namespace ntemu::ke;

struct _KINTERRUPT {
  CSHORT Type = 22;
  CSHORT Size = sizeof(_KINTERRUPT);
  PKSERVICE_ROUTINE ServiceRoutine = nullptr;
  PVOID ServiceContext = nullptr;
  KSPIN_LOCK SpinLock = 0;
  PKSPIN_LOCK ActualLock = nullptr;  // the driver's, or SpinLock
  ULONG Vector = 0;
  KIRQL Irql = 0;
  KIRQL SynchronizeIrql = 0;
  KINTERRUPT_MODE Mode = LevelSensitive;
  BOOLEAN ShareVector = FALSE;
  KAFFINITY ProcessorEnableMask = 0;
  std::atomic<uint32_t> running{0};  // calls of the service routine that have not returned
};

namespace {

constexpr ptrdiff_t kMostSharers = 32;  // of a vector

struct Connected {
  base::Mutex mutex;
  std::vector<PKINTERRUPT> all NTEMU_GUARDED_BY(mutex);
};

Connected &connected() {
  static Connected *interrupts = new Connected;
  return *interrupts;
}

NTSTATUS connect(PKINTERRUPT *object, const _KINTERRUPT &wanted, PKSPIN_LOCK lock) {
  if (!wanted.ServiceRoutine || wanted.Irql <= DISPATCH_LEVEL || wanted.SynchronizeIrql < wanted.Irql ||
      wanted.SynchronizeIrql > HIGH_LEVEL || (wanted.ProcessorEnableMask & all_processors()) == 0) {
    return STATUS_INVALID_PARAMETER;
  }
  auto *made = new _KINTERRUPT;
  made->ServiceRoutine = wanted.ServiceRoutine;
  made->ServiceContext = wanted.ServiceContext;
  made->ActualLock = lock ? lock : &made->SpinLock;
  made->Vector = wanted.Vector;
  made->Irql = wanted.Irql;
  made->SynchronizeIrql = wanted.SynchronizeIrql;
  made->Mode = wanted.Mode;
  made->ShareVector = wanted.ShareVector;
  made->ProcessorEnableMask = wanted.ProcessorEnableMask;
  {
    base::Guard guard(connected().mutex);
    ptrdiff_t sharers = 0;
    bool conflict = false;
    for (const _KINTERRUPT *other : connected().all) {
      if (other->Vector != made->Vector) continue;
      ++sharers;
      conflict |= !(other->ShareVector && made->ShareVector && other->Mode == made->Mode);
    }
    if (!conflict && sharers < kMostSharers) {
      *object = made;
      connected().all.push_back(made);
      return STATUS_SUCCESS;
    }
  }
  delete made;
  return STATUS_INVALID_PARAMETER;
}

void disconnect(PKINTERRUPT interrupt) {
  {
    base::Guard guard(connected().mutex);
    std::erase(connected().all, interrupt);
  }
  for (uint32_t round = 0; interrupt->running.load(std::memory_order_acquire) != 0; ++round) spin(round);
  delete interrupt;
}

bool serve(ETHREAD &thread, _KINTERRUPT &interrupt) {
  const KIRQL level = std::max(thread.irql, interrupt.SynchronizeIrql);
  const KIRQL old = raise_irql(thread, level);
  lock_spin_lock(thread, interrupt.ActualLock, reinterpret_cast<const void *>(interrupt.ServiceRoutine));
  const bool claimed = interrupt.ServiceRoutine(&interrupt, interrupt.ServiceContext);
  // IRQL_UNEXPECTED_VALUE
  if (thread.irql != level) {
    bugcheck(0xC8, static_cast<ULONG_PTR>(thread.irql << 16 | level << 8 | 3),
             reinterpret_cast<ULONG_PTR>(interrupt.ServiceRoutine), reinterpret_cast<ULONG_PTR>(&interrupt));
  }
  unlock_spin_lock(thread, interrupt.ActualLock);
  interrupt.running.fetch_sub(1, std::memory_order_release);  // it may be gone from here on
  lower_irql(thread, old);
  return claimed;
}

KIRQL acquire(ETHREAD &thread, _KINTERRUPT &interrupt, const void *site) {
  // IRQL_NOT_GREATER_OR_EQUAL
  if (thread.irql > interrupt.SynchronizeIrql) bugcheck(0x09, thread.irql, interrupt.SynchronizeIrql, 0, 0);
  const KIRQL old = raise_irql(thread, interrupt.SynchronizeIrql);
  lock_spin_lock(thread, interrupt.ActualLock, site);
  return old;
}

void release(ETHREAD &thread, _KINTERRUPT &interrupt, KIRQL irql) {
  unlock_spin_lock(thread, interrupt.ActualLock);
  lower_irql(thread, irql);
}

}  // namespace

bool ntemu::ke::fire_interrupt(ULONG vector) {
  // Nothing to be destroyed: a bugcheck that is caught leaves this frame.
  PKINTERRUPT called[kMostSharers];
  size_t count = 0;
  {
    base::Guard guard(connected().mutex);
    for (PKINTERRUPT each : connected().all) {
      if (each->Vector != vector) continue;
      each->running.fetch_add(1, std::memory_order_relaxed);
      called[count++] = each;
    }
  }
  ETHREAD &thread = current();
  bool claimed = false;
  for (size_t i = 0; i < count; ++i) {
    if (claimed && called[i]->Mode == LevelSensitive) {
      called[i]->running.fetch_sub(1, std::memory_order_release);
    } else {
      claimed |= serve(thread, *called[i]);
    }
  }
  return claimed;
}

void ntemu::ke::forget_interrupts() {
  base::Guard guard(connected().mutex);
  for (PKINTERRUPT each : connected().all) delete each;
  connected().all.clear();
}

NTSTATUS IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine, PVOID ServiceContext,
                            PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
                            KINTERRUPT_MODE InterruptMode, BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
                            BOOLEAN FloatingSave) {
  NT_ENTER(IoConnectInterrupt, InterruptObject, ServiceRoutine, ServiceContext, SpinLock, Vector, Irql, SynchronizeIrql,
           InterruptMode, ShareVector, ProcessorEnableMask, FloatingSave);
  require_irql_at_most(PASSIVE_LEVEL, __builtin_return_address(0));
  _KINTERRUPT wanted;
  wanted.ServiceRoutine = ServiceRoutine;
  wanted.ServiceContext = ServiceContext;
  wanted.Vector = Vector;
  wanted.Irql = Irql;
  wanted.SynchronizeIrql = SynchronizeIrql;
  wanted.Mode = InterruptMode;
  wanted.ShareVector = ShareVector;
  wanted.ProcessorEnableMask = ProcessorEnableMask;
  return connect(InterruptObject, wanted, SpinLock);
}

VOID IoDisconnectInterrupt(PKINTERRUPT InterruptObject) {
  NT_ENTER(IoDisconnectInterrupt, InterruptObject);
  require_irql_at_most(PASSIVE_LEVEL, __builtin_return_address(0));
  disconnect(InterruptObject);
}

NTSTATUS IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters) {
  NT_ENTER(IoConnectInterruptEx, Parameters);
  require_irql_at_most(PASSIVE_LEVEL, __builtin_return_address(0));
  const bool group = Parameters->Version == CONNECT_FULLY_SPECIFIED_GROUP;
  if (Parameters->Version != CONNECT_FULLY_SPECIFIED && !group) {
    Parameters->Version = CONNECT_FULLY_SPECIFIED;
    return STATUS_NOT_SUPPORTED;
  }
  const IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS &full = Parameters->FullySpecified;
  if (!full.PhysicalDeviceObject || (group && full.Group != 0)) return STATUS_INVALID_PARAMETER;
  _KINTERRUPT wanted;
  wanted.ServiceRoutine = full.ServiceRoutine;
  wanted.ServiceContext = full.ServiceContext;
  wanted.Vector = full.Vector;
  wanted.Irql = full.Irql;
  wanted.SynchronizeIrql = full.SynchronizeIrql;
  wanted.Mode = full.InterruptMode;
  wanted.ShareVector = full.ShareVector;
  wanted.ProcessorEnableMask = full.ProcessorEnableMask;
  return connect(full.InterruptObject, wanted, full.SpinLock);
}

VOID IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters) {
  NT_ENTER(IoDisconnectInterruptEx, Parameters);
  require_irql_at_most(PASSIVE_LEVEL, __builtin_return_address(0));
  disconnect(Parameters->ConnectionContext.InterruptObject);
}

BOOLEAN KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                               PVOID SynchronizeContext) {
  NT_ENTER(KeSynchronizeExecution, Interrupt, SynchronizeRoutine, SynchronizeContext);
  ETHREAD &thread = current();
  const KIRQL old = acquire(thread, *Interrupt, __builtin_return_address(0));
  const BOOLEAN result = SynchronizeRoutine(SynchronizeContext);
  release(thread, *Interrupt, old);
  return result;
}

KIRQL KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt) {
  NT_ENTER(KeAcquireInterruptSpinLock, Interrupt);
  return acquire(current(), *Interrupt, __builtin_return_address(0));
}

VOID KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql) {
  NT_ENTER(KeReleaseInterruptSpinLock, Interrupt, OldIrql);
  release(current(), *Interrupt, OldIrql);
}
