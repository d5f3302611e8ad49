// Who asks: the thread and the process behind an IRP, and what the calling thread is about.
#include "ntemu/api/enter.h"
#include "ntemu/io/irp.h"
#include "ntemu/ke/thread.h"

using namespace ntemu;

namespace {

PEPROCESS process_of(const ETHREAD &thread) { return reinterpret_cast<PEPROCESS>(thread.Tcb.Process); }

PEPROCESS requestor(const IRP &irp) {
  const ETHREAD *thread = irp.Tail.Overlay.Thread;
  return thread ? process_of(*thread) : nullptr;
}

}  // namespace

PEPROCESS IoThreadToProcess(PETHREAD Thread) {
  NT_ENTER(IoThreadToProcess, Thread);
  return process_of(*Thread);
}

PEPROCESS IoGetRequestorProcess(PIRP Irp) {
  NT_ENTER(IoGetRequestorProcess, Irp);
  return requestor(*Irp);
}

ULONG IoGetRequestorProcessId(PIRP Irp) {
  NT_ENTER(IoGetRequestorProcessId, Irp);
  const EPROCESS *process = requestor(*Irp);
  return process ? static_cast<ULONG>(reinterpret_cast<ULONG_PTR>(process->UniqueProcessId)) : 0;
}

BOOLEAN IoIs32bitProcess(PIRP Irp) {
  NT_ENTER(IoIs32bitProcess, Irp);
  return FALSE;
}

BOOLEAN IoIsOperationSynchronous(PIRP Irp) {
  NT_ENTER(IoIsOperationSynchronous, Irp);
  return io::is_synchronous(*Irp);
}

PIRP IoGetTopLevelIrp() {
  NT_ENTER(IoGetTopLevelIrp);
  return reinterpret_cast<PIRP>(ke::current().TopLevelIrp);
}

VOID IoSetTopLevelIrp(PIRP Irp) {
  NT_ENTER(IoSetTopLevelIrp, Irp);
  ke::current().TopLevelIrp = reinterpret_cast<ULONG_PTR>(Irp);
}

VOID IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit) {
  NT_ENTER(IoGetStackLimits, LowLimit, HighLimit);
  const KTHREAD &thread = ke::current().Tcb;
  *LowLimit = reinterpret_cast<ULONG_PTR>(thread.StackLimit);
  *HighLimit = reinterpret_cast<ULONG_PTR>(thread.StackBase);
}
