// What drivers ask of threads: identity, times, exit status.
#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"
#include "ntemu/ps/ps.h"

using namespace ntemu;

PETHREAD PsGetCurrentThread() {
  NT_ENTER(PsGetCurrentThread);
  return &ke::current();
}

HANDLE PsGetCurrentThreadId() {
  NT_ENTER(PsGetCurrentThreadId);
  return ke::current().Cid.UniqueThread;
}

HANDLE PsGetThreadId(PETHREAD Thread) {
  NT_ENTER(PsGetThreadId, Thread);
  return Thread->Cid.UniqueThread;
}

HANDLE PsGetThreadProcessId(PETHREAD Thread) {
  NT_ENTER(PsGetThreadProcessId, Thread);
  return Thread->Cid.UniqueProcess;
}

PEPROCESS PsGetThreadProcess(PETHREAD Thread) {
  NT_ENTER(PsGetThreadProcess, Thread);
  return reinterpret_cast<PEPROCESS>(Thread->Tcb.Process);
}

LONGLONG PsGetThreadCreateTime(PETHREAD Thread) {
  NT_ENTER(PsGetThreadCreateTime, Thread);
  return Thread->CreateTime.QuadPart;
}

NTSTATUS PsGetThreadExitStatus(PETHREAD Thread) {
  NT_ENTER(PsGetThreadExitStatus, Thread);
  return __atomic_load_n(&Thread->ExitStatus, __ATOMIC_ACQUIRE);
}

BOOLEAN PsIsSystemThread(PETHREAD Thread) {
  NT_ENTER(PsIsSystemThread, Thread);
  return (__atomic_load_n(&Thread->CrossThreadFlags, __ATOMIC_RELAXED) & ke::kSystemThreadFlag) != 0;
}

BOOLEAN PsIsThreadTerminating(PETHREAD Thread) {
  NT_ENTER(PsIsThreadTerminating, Thread);
  return (__atomic_load_n(&Thread->CrossThreadFlags, __ATOMIC_RELAXED) & ke::kTerminatedFlag) != 0;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread) {
  NT_ENTER(PsLookupThreadByThreadId, ThreadId, Thread);
  ETHREAD *found = nullptr;
  ps::for_each_thread([&](ETHREAD &thread) {
    if (!found && thread.Cid.UniqueThread == ThreadId && ob::reference_unless_dying(&thread)) found = &thread;
  });
  if (!found) return STATUS_INVALID_PARAMETER;
  *Thread = found;
  return STATUS_SUCCESS;
}
