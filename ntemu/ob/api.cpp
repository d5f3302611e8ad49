// The object manager as drivers see it.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntemu/ob/header.h"

using namespace ntemu;

NTSTATUS ZwClose(HANDLE Handle) {
  NT_ENTER(ZwClose, Handle);
  return ob::close_handle(Handle);
}

NTSTATUS NtClose(HANDLE Handle) {
  NT_ENTER(NtClose, Handle);
  return ob::close_handle(Handle);
}

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode) {
  NT_ENTER(ObCloseHandle, Handle, PreviousMode);
  const auto body = ob::reference_by_handle(Handle, 0, nullptr, PreviousMode);
  if (!body) return body.status();
  ob::dereference(*body);
  return ob::close_handle(Handle);
}

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                   KPROCESSOR_MODE AccessMode, PVOID *Object,
                                   POBJECT_HANDLE_INFORMATION HandleInformation) {
  NT_ENTER(ObReferenceObjectByHandle, Handle, DesiredAccess, ObjectType, AccessMode, Object, HandleInformation);
  OBJECT_HANDLE_INFORMATION information{};
  const auto body = ob::reference_by_handle(Handle, DesiredAccess, ObjectType, AccessMode, &information.GrantedAccess,
                                            &information.HandleAttributes);
  if (body && HandleInformation) *HandleInformation = information;
  *Object = body ? *body : nullptr;
  return body.status();
}

NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                    KPROCESSOR_MODE AccessMode) {
  NT_ENTER(ObReferenceObjectByPointer, Object, DesiredAccess, ObjectType, AccessMode);
  if (ObjectType && &ob::type_of(Object) != ObjectType) return STATUS_OBJECT_TYPE_MISMATCH;
  ob::reference(Object);
  return STATUS_SUCCESS;
}

LONG_PTR ObfReferenceObject(PVOID Object) {
  NT_ENTER(ObfReferenceObject, Object);
  ob::reference(Object);
  return ob::reference_count(Object);
}

LONG_PTR ObfDereferenceObject(PVOID Object) {
  NT_ENTER(ObfDereferenceObject, Object);
  const LONG64 left = ob::reference_count(Object) - 1;  // afterwards the object may be gone
  ob::dereference(Object);
  return left;
}

BOOLEAN ObReferenceObjectSafe(PVOID Object) {
  NT_ENTER(ObReferenceObjectSafe, Object);
  return ob::reference_unless_dying(Object);
}

VOID ObDereferenceObjectDeferDelete(PVOID Object) {
  NT_ENTER(ObDereferenceObjectDeferDelete, Object);
  ob::dereference_at_any_irql(Object);
}

NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
                               ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                               PHANDLE Handle) {
  NT_ENTER(ObOpenObjectByPointer, Object, HandleAttributes, PassedAccessState, DesiredAccess, ObjectType, AccessMode,
           Handle);
  *Handle = nullptr;
  if (HandleAttributes & ~ob::kValidAttributes) return STATUS_INVALID_PARAMETER;
  if (ObjectType && &ob::type_of(Object) != ObjectType) return STATUS_OBJECT_TYPE_MISMATCH;
  if (PassedAccessState) return STATUS_NOT_SUPPORTED;
  const auto handle = ob::create_handle(Object, DesiredAccess, HandleAttributes);
  if (handle) *Handle = *handle;
  return handle.status();
}

NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length, PULONG ReturnLength) {
  NT_ENTER(ObQueryNameString, Object, ObjectNameInfo, Length, ReturnLength);
  const std::u16string name = ob::name_of(Object);
  const auto bytes = static_cast<USHORT>(name.size() * sizeof(WCHAR));
  const ULONG needed = sizeof(OBJECT_NAME_INFORMATION) + (name.empty() ? 0u : bytes + ULONG{sizeof(WCHAR)});
  *ReturnLength = needed;
  if (Length < needed) return STATUS_INFO_LENGTH_MISMATCH;
  if (name.empty()) {
    ObjectNameInfo->Name = {};
    return STATUS_SUCCESS;
  }
  auto *text = reinterpret_cast<PWSTR>(ObjectNameInfo + 1);
  std::memcpy(text, name.c_str(), bytes + sizeof(WCHAR));
  ObjectNameInfo->Name = {bytes, static_cast<USHORT>(bytes + sizeof(WCHAR)), text};
  return STATUS_SUCCESS;
}

VOID ObMakeTemporaryObject(PVOID Object) {
  NT_ENTER(ObMakeTemporaryObject, Object);
  ob::make_temporary(Object);
}

POBJECT_TYPE ObGetObjectType(PVOID Object) {
  NT_ENTER(ObGetObjectType, Object);
  return &ob::type_of(Object);
}
