// Cancel-safe queues. Irp->CancelRoutine decides between cancellation and removal; the driver's own lock guards the
// queue. DriverContext[3] is the queue, or the context that IoCsqInsertIrp was given, which knows the queue.
#include "ntemu/api/enter.h"
#include "ntemu/io/cancel.h"

using namespace ntemu;

namespace {

class QueueLock {
 public:
  explicit QueueLock(IO_CSQ &csq) : csq_(csq) { csq.CsqAcquireLock(&csq, &irql_); }
  ~QueueLock() { csq_.CsqReleaseLock(&csq_, irql_); }
  QueueLock(const QueueLock &) = delete;
  QueueLock &operator=(const QueueLock &) = delete;

 private:
  IO_CSQ &csq_;
  KIRQL irql_ = PASSIVE_LEVEL;
};

PVOID link_of(const IRP &irp) { return __atomic_load_n(&irp.Tail.Overlay.DriverContext[3], __ATOMIC_ACQUIRE); }
void set_link(IRP &irp, PVOID link) { __atomic_store_n(&irp.Tail.Overlay.DriverContext[3], link, __ATOMIC_RELEASE); }

// The context that a link is, or nullptr.
PIO_CSQ_IRP_CONTEXT context_of(PVOID link) {
  auto *context = static_cast<PIO_CSQ_IRP_CONTEXT>(link);
  return context && context->Type == IO_TYPE_CSQ_IRP_CONTEXT ? context : nullptr;
}

// The queue's lock is held.
void unlink(IRP &irp) {
  if (const PIO_CSQ_IRP_CONTEXT context = context_of(link_of(irp))) context->Irp = nullptr;
  set_link(irp, nullptr);
}

void take_out(IO_CSQ &csq, IRP &irp) {
  csq.CsqRemoveIrp(&csq, &irp);
  unlink(irp);
}

bool is_canceled(const IRP &irp) { return __atomic_load_n(&irp.Cancel, __ATOMIC_SEQ_CST); }

VOID cancel(PDEVICE_OBJECT, PIRP irp) {
  // As long as the cancel spin lock is held, a context is there even if the driver has given up the IRP.
  const PVOID link = link_of(*irp);
  const PIO_CSQ_IRP_CONTEXT context = context_of(link);
  IO_CSQ &csq = *(context ? context->Csq : static_cast<PIO_CSQ>(link));
  IoReleaseCancelSpinLock(irp->CancelIrql);
  {
    QueueLock lock(csq);
    take_out(csq, *irp);
  }
  csq.CsqCompleteCanceledIrp(&csq, irp);
}

NTSTATUS initialize(IO_CSQ &csq, ULONG type, PIO_CSQ_INSERT_IRP insert, PIO_CSQ_REMOVE_IRP remove,
                    PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire, PIO_CSQ_RELEASE_LOCK release,
                    PIO_CSQ_COMPLETE_CANCELED_IRP complete_canceled) {
  csq = {type, insert, remove, peek, acquire, release, complete_canceled, nullptr};
  return STATUS_SUCCESS;
}

NTSTATUS call_insert(IO_CSQ &csq, PIRP irp, PVOID insert_context) {
  if (csq.Type == IO_TYPE_CSQ_EX)
    return reinterpret_cast<PIO_CSQ_INSERT_IRP_EX>(reinterpret_cast<PVOID>(csq.CsqInsertIrp))(&csq, irp,
                                                                                              insert_context);
  csq.CsqInsertIrp(&csq, irp);
  return STATUS_SUCCESS;
}

// What became of an IRP that was to be queued.
struct Inserted {
  NTSTATUS status;
  bool canceled;  // by now, and it is not on the queue
};

Inserted insert(IO_CSQ &csq, PIRP irp, PVOID insert_context) {
  QueueLock lock(csq);
  if (is_canceled(*irp)) {
    IoMarkIrpPending(irp);
    unlink(*irp);
    return {STATUS_SUCCESS, true};
  }
  const NTSTATUS status = call_insert(csq, irp, insert_context);
  if (!NT_SUCCESS(status)) {
    unlink(*irp);
    return {status, false};
  }
  IoMarkIrpPending(irp);
  IoSetCancelRoutine(irp, cancel);
  // A cancellation that found no routine has not been answered; one that found ours waits for this lock.
  if (!is_canceled(*irp) || !IoSetCancelRoutine(irp, nullptr)) return {status, false};
  take_out(csq, *irp);
  return {status, true};
}

}  // namespace

NTSTATUS IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp, PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                         PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                         PIO_CSQ_RELEASE_LOCK CsqReleaseLock, PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp) {
  NT_ENTER(IoCsqInitialize, Csq, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock,
           CsqCompleteCanceledIrp);
  return initialize(*Csq, IO_TYPE_CSQ, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock,
                    CsqCompleteCanceledIrp);
}

NTSTATUS IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp, PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                           PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                           PIO_CSQ_RELEASE_LOCK CsqReleaseLock, PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp) {
  NT_ENTER(IoCsqInitializeEx, Csq, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock,
           CsqCompleteCanceledIrp);
  return initialize(*Csq, IO_TYPE_CSQ_EX, reinterpret_cast<PIO_CSQ_INSERT_IRP>(reinterpret_cast<PVOID>(CsqInsertIrp)),
                    CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock, CsqReleaseLock, CsqCompleteCanceledIrp);
}

VOID IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context) {
  NT_ENTER(IoCsqInsertIrp, Csq, Irp, Context);
  IoCsqInsertIrpEx(Csq, Irp, Context, nullptr);
}

NTSTATUS IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext) {
  NT_ENTER(IoCsqInsertIrpEx, Csq, Irp, Context, InsertContext);
  if (Context) *Context = {IO_TYPE_CSQ_IRP_CONTEXT, Irp, Csq};
  set_link(*Irp, Context ? static_cast<PVOID>(Context) : Csq);
  const Inserted inserted = insert(*Csq, Irp, InsertContext);
  if (inserted.canceled) Csq->CsqCompleteCanceledIrp(Csq, Irp);
  return inserted.status;
}

PIRP IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context) {
  NT_ENTER(IoCsqRemoveIrp, Csq, Context);
  {
    QueueLock lock(*Csq);
    const PIRP irp = Context->Irp;
    if (!irp) return nullptr;
    if (IoSetCancelRoutine(irp, nullptr)) {
      take_out(*Csq, *irp);
      return irp;
    }
    // It is being canceled. The driver may free the context as soon as it hears that.
    Context->Irp = nullptr;
    set_link(*irp, Csq);
  }
  io::await_cancelers();
  return nullptr;
}

PIRP IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext) {
  NT_ENTER(IoCsqRemoveNextIrp, Csq, PeekContext);
  QueueLock lock(*Csq);
  for (PIRP irp = nullptr; (irp = Csq->CsqPeekNextIrp(Csq, irp, PeekContext));) {
    if (!IoSetCancelRoutine(irp, nullptr)) continue;
    take_out(*Csq, *irp);
    return irp;
  }
  return nullptr;
}
