// Semaphores by handle and name.
#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace ntemu::ob {

_OBJECT_TYPE semaphore_type{
    .name = u"Semaphore",
    .valid_access = SEMAPHORE_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ | SEMAPHORE_QUERY_STATE, STANDARD_RIGHTS_WRITE | SEMAPHORE_MODIFY_STATE,
                        STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, SEMAPHORE_ALL_ACCESS},
    .dispatcher_offset = 0};

}  // namespace ntemu::ob

namespace {

POBJECT_TYPE semaphore_type_pointer = &ob::semaphore_type;

Result<ob::Ref<KSEMAPHORE>> semaphore_of(HANDLE handle, ACCESS_MASK access) {
  return ob::referenced<KSEMAPHORE>(handle, access, ob::semaphore_type, KernelMode);
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) POBJECT_TYPE *ExSemaphoreObjectType = &semaphore_type_pointer;
}

NTSTATUS ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           LONG InitialCount, LONG MaximumCount) {
  NT_ENTER(ZwCreateSemaphore, SemaphoreHandle, DesiredAccess, ObjectAttributes, InitialCount, MaximumCount);
  if (MaximumCount <= 0 || InitialCount < 0 || InitialCount > MaximumCount) return STATUS_INVALID_PARAMETER;
  auto *semaphore = static_cast<PKSEMAPHORE>(ob::create(ob::semaphore_type, sizeof(KSEMAPHORE)));
  if (!semaphore) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeSemaphore(semaphore, InitialCount, MaximumCount);
  return ob::open_new(semaphore, DesiredAccess, ObjectAttributes, SemaphoreHandle);
}

NTSTATUS ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenSemaphore, SemaphoreHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::semaphore_type, DesiredAccess, ObjectAttributes, SemaphoreHandle);
}

NTSTATUS ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount) {
  NT_ENTER(ZwReleaseSemaphore, SemaphoreHandle, ReleaseCount, PreviousCount);
  if (ReleaseCount <= 0) return STATUS_INVALID_PARAMETER;
  const auto semaphore = semaphore_of(SemaphoreHandle, SEMAPHORE_MODIFY_STATE);
  if (!semaphore) return semaphore.status();
  LONG before = 0;
  const NTSTATUS status =
      ke::catch_raise([&] { before = KeReleaseSemaphore(semaphore->get(), SEMAPHORE_INCREMENT, ReleaseCount, FALSE); });
  if (NT_SUCCESS(status) && PreviousCount) *PreviousCount = before;
  return status;
}

NTSTATUS ZwQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
                          PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQuerySemaphore, SemaphoreHandle, SemaphoreInformationClass, SemaphoreInformation,
           SemaphoreInformationLength, ReturnLength);
  const NTSTATUS status =
      ob::check_basic_query<SEMAPHORE_BASIC_INFORMATION>(SemaphoreInformationClass, SemaphoreInformationLength);
  if (!NT_SUCCESS(status)) return status;
  const auto semaphore = semaphore_of(SemaphoreHandle, SEMAPHORE_QUERY_STATE);
  if (!semaphore) return semaphore.status();
  auto &information = *static_cast<PSEMAPHORE_BASIC_INFORMATION>(SemaphoreInformation);
  information.CurrentCount = KeReadStateSemaphore(semaphore->get());
  information.MaximumCount = (*semaphore)->Limit;
  if (ReturnLength) *ReturnLength = sizeof information;
  return STATUS_SUCCESS;
}
