// The System process: the one process that drivers run in.
#include "ntemu/ps/process.h"

#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/ps.h"
#include "ntemu/rtl/version.h"

using namespace ntemu;

namespace {

_OBJECT_TYPE process_type{
    .name = u"Process",
    .valid_access = PROCESS_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE, PROCESS_ALL_ACCESS},
    .dispatcher_offset = 0,
    .on_delete = nullptr,
    .on_last_handle_closed = nullptr};
POBJECT_TYPE process_type_pointer = &process_type;

}  // namespace

extern "C" {
__attribute__((visibility("default"))) POBJECT_TYPE *PsProcessType = &process_type_pointer;
__attribute__((visibility("default"))) PEPROCESS PsInitialSystemProcess = nullptr;
__attribute__((visibility("default"))) LIST_ENTRY PsActiveProcessHead = {&PsActiveProcessHead, &PsActiveProcessHead};
}

namespace ntemu::ps {

void boot_process() {
  auto *process = static_cast<EPROCESS *>(ob::create(process_type, sizeof(EPROCESS)));
  ke::initialize_header(process->Pcb.Header, ke::kProcessObject, 0, 0);
  InitializeListHead(&process->Pcb.ThreadListHead);
  process->UniqueProcessId = reinterpret_cast<HANDLE>(kSystemProcessId);
  process->ExitStatus = STATUS_PENDING;
  std::memcpy(process->ImageFileName, "System", sizeof "System");
  process->CreateTime.QuadPart = base::clock().system_time();
  InitializeListHead(&PsActiveProcessHead);
  InsertTailList(&PsActiveProcessHead, &process->ActiveProcessLinks);
  PsInitialSystemProcess = process;
}

void teardown_process() {
  RemoveEntryList(&PsInitialSystemProcess->ActiveProcessLinks);
  ob::dereference(PsInitialSystemProcess);
  PsInitialSystemProcess = nullptr;
}

}  // namespace ntemu::ps

PEPROCESS IoGetCurrentProcess() {
  NT_ENTER(IoGetCurrentProcess);
  return PsInitialSystemProcess;
}

HANDLE PsGetCurrentProcessId() {
  NT_ENTER(PsGetCurrentProcessId);
  return PsInitialSystemProcess->UniqueProcessId;
}

HANDLE PsGetProcessId(PEPROCESS Process) {
  NT_ENTER(PsGetProcessId, Process);
  return Process->UniqueProcessId;
}

PUCHAR PsGetProcessImageFileName(PEPROCESS Process) {
  NT_ENTER(PsGetProcessImageFileName, Process);
  return Process->ImageFileName;
}

LONGLONG PsGetProcessCreateTimeQuadPart(PEPROCESS Process) {
  NT_ENTER(PsGetProcessCreateTimeQuadPart, Process);
  return Process->CreateTime.QuadPart;
}

NTSTATUS PsGetProcessExitStatus(PEPROCESS Process) {
  NT_ENTER(PsGetProcessExitStatus, Process);
  return Process->ExitStatus;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process) {
  NT_ENTER(PsLookupProcessByProcessId, ProcessId, Process);
  if (ProcessId != PsInitialSystemProcess->UniqueProcessId) return STATUS_INVALID_CID;
  ob::reference(PsInitialSystemProcess);
  *Process = PsInitialSystemProcess;
  return STATUS_SUCCESS;
}

BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber, PUNICODE_STRING CSDVersion) {
  NT_ENTER(PsGetVersion, MajorVersion, MinorVersion, BuildNumber, CSDVersion);
  if (MajorVersion) *MajorVersion = rtl::kMajorVersion;
  if (MinorVersion) *MinorVersion = rtl::kMinorVersion;
  if (BuildNumber) *BuildNumber = rtl::kBuildNumber;
  if (CSDVersion) *CSDVersion = {};
  return FALSE;
}
