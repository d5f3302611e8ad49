// Miscellaneous checks: handles, references, lookaside lists, resources, and waits for what lies on the stack.
#include "ntemu/ex/lookaside.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ob/object.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

bool is_pseudo(HANDLE handle) {
  return handle == NtCurrentProcess() || handle == reinterpret_cast<HANDLE>(LONG_PTR{-2});
}

// In every verified driver, whatever its options.
void check_close(const Call &call, ULONG) {
  const auto handle = pointer<void>(call, 0);
  if (is_pseudo(handle)) return;
  ULONG attributes = 0;
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode, nullptr, &attributes);
  if (!body) report_bugcheck(call, "there is no such handle", 0x93, address_of(handle), 1);
  ob::dereference(*body);
  if (attributes & OBJ_PROTECT_CLOSE)
    report_bugcheck(call, "the handle is protected from being closed", 0x93, address_of(handle), 0);
}

void check_reference_by_handle(const Call &call, ULONG) {
  if (static_cast<KPROCESSOR_MODE>(call.arguments[3]) != KernelMode) return;  // an application's handle may be anything
  const auto handle = pointer<void>(call, 0);
  if (!handle) report(call, "the handle is NULL", 0xF5, 0, call.arguments[2]);
  if (is_pseudo(handle)) return;
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode);
  if (!body) report(call, "there is no such handle", 0x3C, address_of(handle), call.arguments[2]);
  ob::dereference(*body);
}

void check_reference(const Call &call, ULONG) {
  if (ob::reference_count(pointer<void>(call, 0)) <= 0)
    report(call, "the object has no reference any more", 0x3F, call.arguments[0], 1);
}
void check_dereference(const Call &call, ULONG) {
  if (ob::reference_count(pointer<void>(call, 0)) <= 0)
    report(call, "the object has no reference any more", 0x3F, call.arguments[0], ~ULONG_PTR{0});
}

bool in_use(const void *list) { return ex::find_lookaside_list(list, 1) == list; }
bool is_resource(const ERESOURCE *resource) { return ex::find_resource(resource, 1) == resource; }

void check_lookaside_initialize(const Call &call, ULONG) {
  if (in_use(pointer<void>(call, 0)))
    report(call, "the lookaside list is initialized already", 0xCA, call.arguments[0]);
  const SIZE_T size = call.arguments[call.id == Id::ExInitializeLookasideListEx ? 5 : 4];
  if (size < LOOKASIDE_MINIMUM_BLOCK_SIZE)
    report(call, "the blocks are too small", 0xCD, call.arguments[0], size, LOOKASIDE_MINIMUM_BLOCK_SIZE);
}
void check_lookaside_delete(const Call &call, ULONG) {
  if (!in_use(pointer<void>(call, 0))) report(call, "the lookaside list is not initialized", 0xCB, call.arguments[0]);
}

void check_resource_initialize(const Call &call, ULONG) {
  if (is_resource(pointer<const ERESOURCE>(call, 0)))
    report(call, "the resource is initialized already", 0xD0, call.arguments[0]);
}
void check_resource_delete(const Call &call, ULONG) {
  if (!is_resource(pointer<const ERESOURCE>(call, 0)))
    report(call, "the resource is not initialized", 0xD1, call.arguments[0]);
}
void check_resource_place(const Call &call, ULONG) {
  if (call.arguments[0] % alignof(ERESOURCE) != 0)
    report(call, "the resource is not aligned", 0x3D, 0, 0, call.arguments[0]);
}

void check_user_wait(const Call &call, const void *object, KPROCESSOR_MODE mode) {
  const KTHREAD &thread = ke::current().Tcb;
  if (mode != KernelMode && object >= thread.StackLimit && object < thread.StackBase)
    report(call, "a UserMode wait for an object on the stack", 0x123, address_of(object));
}
void check_user_wait_single(const Call &call, ULONG) {
  check_user_wait(call, pointer<void>(call, 0), static_cast<KPROCESSOR_MODE>(call.arguments[2]));
}
void check_user_wait_multiple(const Call &call, ULONG) {
  const auto count = static_cast<ULONG>(call.arguments[0]);
  if (count > MAXIMUM_WAIT_OBJECTS) return;  // a bugcheck of its own
  for (ULONG i = 0; i < count; ++i)
    check_user_wait(call, pointer<void *>(call, 1)[i], static_cast<KPROCESSOR_MODE>(call.arguments[4]));
}

}  // namespace

void add_object_checks() {
  const auto add = [](CallCheck check, std::initializer_list<Id> ids) {
    for (const Id id : ids) add_call_check(id, kMiscellaneous, check);
  };
  add_call_check(Id::ZwClose, kAlways, check_close);
  add(check_reference_by_handle, {Id::ObReferenceObjectByHandle});
  add(check_reference, {Id::ObfReferenceObject});
  add(check_dereference, {Id::ObfDereferenceObject, Id::ObDereferenceObjectDeferDelete});
  add(check_lookaside_initialize,
      {Id::ExInitializeNPagedLookasideList, Id::ExInitializePagedLookasideList, Id::ExInitializeLookasideListEx});
  add(check_lookaside_delete,
      {Id::ExDeleteNPagedLookasideList, Id::ExDeletePagedLookasideList, Id::ExDeleteLookasideListEx});
  add(check_resource_place, {Id::ExAcquireResourceExclusiveLite});
  add(check_resource_initialize, {Id::ExInitializeResourceLite});
  add(check_resource_delete, {Id::ExDeleteResourceLite});
  add(check_user_wait_single, {Id::KeWaitForSingleObject});
  add(check_user_wait_multiple, {Id::KeWaitForMultipleObjects});
}

}  // namespace ntemu::vf
