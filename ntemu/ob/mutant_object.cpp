// Mutants by handle and name: mutexes that do not disable APCs, and are abandoned when their owner ends.
#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/take.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace ntemu::ob {
namespace {

// Its owner, if there is one, must not find it on its list any more.
void delete_mutant(void *body) {
  auto *mutant = static_cast<PKMUTANT>(body);
  while (ke::owner_of(*mutant) == &ke::current().Tcb) KeReleaseMutant(mutant, MUTANT_INCREMENT, FALSE, FALSE);
  if (KeReadStateMutex(mutant) <= 0) KeReleaseMutant(mutant, MUTANT_INCREMENT, TRUE, FALSE);
}

}  // namespace

_OBJECT_TYPE mutant_type{.name = u"Mutant",
                         .valid_access = MUTANT_ALL_ACCESS,
                         .generic_mapping = {STANDARD_RIGHTS_READ | MUTANT_QUERY_STATE, STANDARD_RIGHTS_WRITE,
                                             STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, MUTANT_ALL_ACCESS},
                         .dispatcher_offset = 0,
                         .on_delete = delete_mutant};

}  // namespace ntemu::ob

namespace {

Result<ob::Ref<KMUTANT>> mutant_of(HANDLE handle, ACCESS_MASK access) {
  return ob::referenced<KMUTANT>(handle, access, ob::mutant_type, KernelMode);
}

}  // namespace

NTSTATUS ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                        BOOLEAN InitialOwner) {
  NT_ENTER(ZwCreateMutant, MutantHandle, DesiredAccess, ObjectAttributes, InitialOwner);
  auto *mutant = static_cast<PKMUTANT>(ob::create(ob::mutant_type, sizeof(KMUTANT)));
  if (!mutant) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeMutant(mutant, InitialOwner);
  return ob::open_new(mutant, DesiredAccess, ObjectAttributes, MutantHandle);
}

NTSTATUS ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenMutant, MutantHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::mutant_type, DesiredAccess, ObjectAttributes, MutantHandle);
}

NTSTATUS ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount) {
  NT_ENTER(ZwReleaseMutant, MutantHandle, PreviousCount);
  const auto mutant = mutant_of(MutantHandle, 0);
  if (!mutant) return mutant.status();
  LONG before = 0;
  const NTSTATUS status =
      ke::catch_raise([&] { before = KeReleaseMutant(mutant->get(), MUTANT_INCREMENT, FALSE, FALSE); });
  if (status != STATUS_SUCCESS) return status;
  if (PreviousCount) *PreviousCount = before;
  return STATUS_SUCCESS;
}

NTSTATUS ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass, PVOID MutantInformation,
                       ULONG MutantInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQueryMutant, MutantHandle, MutantInformationClass, MutantInformation, MutantInformationLength,
           ReturnLength);
  const NTSTATUS status =
      ob::check_basic_query<MUTANT_BASIC_INFORMATION>(MutantInformationClass, MutantInformationLength);
  if (!NT_SUCCESS(status)) return status;
  const auto mutant = mutant_of(MutantHandle, MUTANT_QUERY_STATE);
  if (!mutant) return mutant.status();
  auto &information = *static_cast<PMUTANT_BASIC_INFORMATION>(MutantInformation);
  information.CurrentCount = KeReadStateMutex(mutant->get());
  information.OwnedByCaller = ke::owner_of(**mutant) == &ke::current().Tcb;
  information.AbandonedState = __atomic_load_n(&(*mutant)->MutantFlags, __ATOMIC_RELAXED) & 1;
  if (ReturnLength) *ReturnLength = sizeof information;
  return STATUS_SUCCESS;
}
