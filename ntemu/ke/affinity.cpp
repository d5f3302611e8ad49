// Which processors there are, and which of them a thread may use.
#include <time.h>

#include <bit>

#include "ntemu/api/enter.h"
#include "ntemu/ke/processor.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

bool is_group(USHORT group) { return group == 0 || group == ALL_PROCESSOR_GROUPS; }
bool is_affinity(KAFFINITY mask) { return mask != 0 && (mask & ~all_processors()) == 0; }

bool is_group_affinity(const GROUP_AFFINITY &affinity) {
  return affinity.Group == 0 && !affinity.Reserved[0] && !affinity.Reserved[1] && !affinity.Reserved[2] &&
         is_affinity(affinity.Mask);
}

// The thread's system affinity so far. Below DISPATCH_LEVEL it moves at once; above, when it lowers the IRQL.
KAFFINITY set_affinity(KAFFINITY mask) {
  ETHREAD &thread = current();
  const KAFFINITY previous = thread.system_affinity;
  thread.system_affinity = mask;
  if (mask != 0 && thread.processor && !(mask >> thread.processor->Number & 1)) drop_bias(thread);
  if (thread.irql < DISPATCH_LEVEL) current_processor(thread);
  return previous;
}

PROCESSOR_NUMBER number_of(ULONG index) { return {0, static_cast<UCHAR>(index), 0}; }

}  // namespace

ULONG KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber) {
  NT_ENTER(KeGetCurrentProcessorNumberEx, ProcNumber);
  ETHREAD &thread = current();
  const ULONG index = thread.irql < DISPATCH_LEVEL ? current_processor(thread).Number : thread.processor->Number;
  if (ProcNumber) *ProcNumber = number_of(index);
  return index;
}

NTSTATUS KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber) {
  NT_ENTER(KeGetProcessorNumberFromIndex, ProcIndex, ProcNumber);
  if (ProcIndex >= processor_count()) return STATUS_INVALID_PARAMETER;
  *ProcNumber = number_of(ProcIndex);
  return STATUS_SUCCESS;
}

ULONG KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber) {
  NT_ENTER(KeGetProcessorIndexFromNumber, ProcNumber);
  const bool valid = ProcNumber->Group == 0 && ProcNumber->Number < processor_count() && ProcNumber->Reserved == 0;
  return valid ? ProcNumber->Number : INVALID_PROCESSOR_INDEX;
}

ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors) {
  NT_ENTER(KeQueryActiveProcessorCount, ActiveProcessors);
  if (ActiveProcessors) *ActiveProcessors = all_processors();
  return processor_count();
}

ULONG KeQueryActiveProcessorCountEx(USHORT GroupNumber) {
  NT_ENTER(KeQueryActiveProcessorCountEx, GroupNumber);
  return is_group(GroupNumber) ? processor_count() : 0;
}

KAFFINITY KeQueryActiveProcessors() {
  NT_ENTER(KeQueryActiveProcessors);
  return all_processors();
}

ULONG KeQueryMaximumProcessorCount() {
  NT_ENTER(KeQueryMaximumProcessorCount);
  return processor_count();
}

ULONG KeQueryMaximumProcessorCountEx(USHORT GroupNumber) {
  NT_ENTER(KeQueryMaximumProcessorCountEx, GroupNumber);
  return is_group(GroupNumber) ? processor_count() : 0;
}

USHORT KeQueryActiveGroupCount() {
  NT_ENTER(KeQueryActiveGroupCount);
  return 1;
}

USHORT KeQueryMaximumGroupCount() {
  NT_ENTER(KeQueryMaximumGroupCount);
  return 1;
}

KAFFINITY KeQueryGroupAffinity(USHORT GroupNumber) {
  NT_ENTER(KeQueryGroupAffinity, GroupNumber);
  return GroupNumber == 0 ? all_processors() : 0;
}

VOID KeSetSystemAffinityThread(KAFFINITY Affinity) {
  NT_ENTER(KeSetSystemAffinityThread, Affinity);
  if (is_affinity(Affinity)) set_affinity(Affinity);
}

KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY Affinity) {
  NT_ENTER(KeSetSystemAffinityThreadEx, Affinity);
  return is_affinity(Affinity) ? set_affinity(Affinity) : 0;
}

VOID KeRevertToUserAffinityThread() {
  NT_ENTER(KeRevertToUserAffinityThread);
  set_affinity(0);
}

VOID KeRevertToUserAffinityThreadEx(KAFFINITY Affinity) {
  NT_ENTER(KeRevertToUserAffinityThreadEx, Affinity);
  if (Affinity == 0 || is_affinity(Affinity)) set_affinity(Affinity);
}

VOID KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity) {
  NT_ENTER(KeSetSystemGroupAffinityThread, Affinity, PreviousAffinity);
  const KAFFINITY previous = is_group_affinity(*Affinity) ? set_affinity(Affinity->Mask) : 0;
  if (PreviousAffinity) *PreviousAffinity = {previous, 0, {}};
}

VOID KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity) {
  NT_ENTER(KeRevertToUserGroupAffinityThread, PreviousAffinity);
  if (PreviousAffinity->Mask == 0 || is_group_affinity(*PreviousAffinity)) set_affinity(PreviousAffinity->Mask);
}

// The host's time: a processor that stands still does so under a fake clock, too.
VOID KeStallExecutionProcessor(ULONG MicroSeconds) {
  NT_ENTER(KeStallExecutionProcessor, MicroSeconds);
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto nanoseconds = [](const timespec &time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; };
  const long long end = nanoseconds(now) + MicroSeconds * 1000LL;
  do {
    __builtin_ia32_pause();
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (nanoseconds(now) < end);
}
