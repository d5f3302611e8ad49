#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ob/open.h"
#include "ntemu/ps/process.h"
#include "ntemu/ps/thread.h"

using namespace ntemu;
using namespace ntemu::ps;

NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                              HANDLE ProcessHandle, PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                              PVOID StartContext) {
  NT_ENTER(PsCreateSystemThread, ThreadHandle, DesiredAccess, ObjectAttributes, ProcessHandle, ClientId, StartRoutine,
           StartContext);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (!StartRoutine) return STATUS_INVALID_PARAMETER;
  if (ProcessHandle) {
    const auto process = ob::reference_by_handle(ProcessHandle, PROCESS_CREATE_THREAD, *PsProcessType, KernelMode);
    if (!process) return process.status();
    ob::dereference(*process);
  }
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, nullptr, 0, nullptr, nullptr);
  if (ObjectAttributes) attributes = *ObjectAttributes;
  if (attributes.Attributes & (OBJ_PERMANENT | OBJ_EXCLUSIVE | OBJ_OPENIF)) return STATUS_INVALID_PARAMETER;
  attributes.Attributes |= OBJ_KERNEL_HANDLE;
  const auto thread = ob::Ref<ETHREAD>::adopt(make_thread(StartRoutine, StartContext));
  if (!thread) return STATUS_INSUFFICIENT_RESOURCES;
  // What the thread is known by is there before it runs.
  HANDLE handle;
  NTSTATUS status = ob::open_new(ob::Ref<ETHREAD>(thread).release(), DesiredAccess, &attributes, &handle);
  if (!NT_SUCCESS(status)) {
    discard(*thread);
    return status;
  }
  *ThreadHandle = handle;
  if (ClientId) *ClientId = thread->Cid;
  if (!launch(*thread)) {
    ob::close_handle(handle);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  await_first_progress(*thread);
  return STATUS_SUCCESS;
}
