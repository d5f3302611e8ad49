// What can be asked of and done with any handle, and the services of the namespace's own objects.
#include <algorithm>
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntemu/ob/directory.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace {

struct Opened {
  ob::Ref<void> body;
  ACCESS_MASK granted = 0;
  ULONG attributes = 0;
};

Result<Opened> opened(HANDLE handle) {
  Opened result;
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode, &result.granted, &result.attributes);
  if (!body) return body.status();
  result.body = ob::Ref<void>::adopt(*body);
  return result;
}

NTSTATUS query_basic(const Opened &of, PVOID buffer, ULONG length, PULONG needed) {
  *needed = sizeof(PUBLIC_OBJECT_BASIC_INFORMATION);
  if (length != *needed) return STATUS_INFO_LENGTH_MISMATCH;
  PUBLIC_OBJECT_BASIC_INFORMATION information{};
  information.Attributes = of.attributes;
  information.GrantedAccess = of.granted;
  information.HandleCount = static_cast<ULONG>(ob::handle_count(of.body.get()));
  information.PointerCount = static_cast<ULONG>(ob::reference_count(of.body.get()));
  std::memcpy(buffer, &information, sizeof information);
  return STATUS_SUCCESS;
}

// The name lies behind the structure, terminated.
NTSTATUS query_type(const Opened &of, PVOID buffer, ULONG length, PULONG needed) {
  const std::u16string_view name = ob::type_of(of.body.get()).name;
  const auto bytes = static_cast<USHORT>(name.size() * sizeof(WCHAR));
  *needed = sizeof(PUBLIC_OBJECT_TYPE_INFORMATION) + bytes + ULONG{sizeof(WCHAR)};
  if (length < *needed) return STATUS_INFO_LENGTH_MISMATCH;
  auto *information = static_cast<PPUBLIC_OBJECT_TYPE_INFORMATION>(buffer);
  auto *text = reinterpret_cast<PWSTR>(information + 1);
  *information = {};
  std::memcpy(text, name.data(), bytes);
  text[name.size()] = 0;
  information->TypeName = {bytes, static_cast<USHORT>(bytes + sizeof(WCHAR)), text};
  return STATUS_SUCCESS;
}

NTSTATUS check_process(HANDLE handle) {
  const auto process = opened(handle);
  if (!process) return process.status();
  const _OBJECT_TYPE *type = &ob::type_of(ke::current().Tcb.Process);
  return &ob::type_of(process->body.get()) == type ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
}

}  // namespace

NTSTATUS ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
                       ULONG ObjectInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQueryObject, Handle, ObjectInformationClass, ObjectInformation, ObjectInformationLength, ReturnLength);
  const auto of = opened(Handle);
  if (!of) return of.status();
  ULONG needed = 0;
  NTSTATUS status = STATUS_INVALID_INFO_CLASS;
  if (ObjectInformationClass == ObjectBasicInformation) {
    status = query_basic(*of, ObjectInformation, ObjectInformationLength, &needed);
  } else if (ObjectInformationClass == ObjectNameInformation) {
    status = ObQueryNameString(of->body.get(), static_cast<POBJECT_NAME_INFORMATION>(ObjectInformation),
                               ObjectInformationLength, &needed);
  } else if (ObjectInformationClass == ObjectTypeInformation) {
    status = query_type(*of, ObjectInformation, ObjectInformationLength, &needed);
  }
  if (ReturnLength) *ReturnLength = needed;
  return status;
}

NTSTATUS ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                           PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options) {
  NT_ENTER(ZwDuplicateObject, SourceProcessHandle, SourceHandle, TargetProcessHandle, TargetHandle, DesiredAccess,
           HandleAttributes, Options);
  NTSTATUS status = check_process(SourceProcessHandle);
  if (NT_SUCCESS(status) && TargetProcessHandle) status = check_process(TargetProcessHandle);
  if (!NT_SUCCESS(status)) return status;
  const auto source = opened(SourceHandle);
  if (!source) return source.status();
  if (TargetHandle && TargetProcessHandle) {
    const ACCESS_MASK access = Options & DUPLICATE_SAME_ACCESS ? source->granted : DesiredAccess;
    const ULONG attributes = Options & DUPLICATE_SAME_ATTRIBUTES ? source->attributes : HandleAttributes;
    const auto copy = ob::create_handle(source->body.get(), access, attributes);
    status = copy.status();
    if (copy) *TargetHandle = *copy;
  }
  if (Options & DUPLICATE_CLOSE_SOURCE) ob::close_handle(SourceHandle);
  return status;
}

NTSTATUS ZwMakeTemporaryObject(HANDLE Handle) {
  NT_ENTER(ZwMakeTemporaryObject, Handle);
  const auto of = opened(Handle);
  if (!of) return of.status();
  ob::make_temporary(of->body.get());
  return STATUS_SUCCESS;
}

NTSTATUS ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                 POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwCreateDirectoryObject, DirectoryHandle, DesiredAccess, ObjectAttributes);
  void *body = ob::create_directory_body();
  if (!body) return STATUS_INSUFFICIENT_RESOURCES;
  return ob::open_new(body, DesiredAccess, ObjectAttributes, DirectoryHandle);
}

NTSTATUS ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenDirectoryObject, DirectoryHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::directory_type, DesiredAccess, ObjectAttributes, DirectoryHandle);
}

NTSTATUS ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenSymbolicLinkObject, LinkHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::symbolic_link_type, DesiredAccess, ObjectAttributes, LinkHandle);
}

NTSTATUS ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength) {
  NT_ENTER(ZwQuerySymbolicLinkObject, LinkHandle, LinkTarget, ReturnedLength);
  const auto link =
      ob::referenced<ob::SymbolicLink>(LinkHandle, SYMBOLIC_LINK_QUERY, ob::symbolic_link_type, KernelMode);
  if (!link) return link.status();
  const UNICODE_STRING &target = (*link)->LinkTarget;
  if (ReturnedLength) *ReturnedLength = target.Length;
  if (LinkTarget->MaximumLength < target.Length) return STATUS_BUFFER_TOO_SMALL;
  std::memcpy(LinkTarget->Buffer, target.Buffer, target.Length);
  LinkTarget->Length = target.Length;
  if (LinkTarget->MaximumLength - target.Length >= int{sizeof(WCHAR)}) LinkTarget->Buffer[target.Length / 2] = 0;
  return STATUS_SUCCESS;
}

NTSTATUS ObOpenObjectByName(POBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                            PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess, PVOID ParseContext,
                            PHANDLE Handle) {
  NT_ENTER(ObOpenObjectByName, ObjectAttributes, ObjectType, AccessMode, PassedAccessState, DesiredAccess, ParseContext,
           Handle);
  *Handle = nullptr;
  if (!ObjectAttributes) return STATUS_INVALID_PARAMETER;
  if (PassedAccessState) return STATUS_NOT_SUPPORTED;
  ob::OpenRequest request{.access = DesiredAccess, .mode = AccessMode, .context = ParseContext};
  const auto body = ob::open_by_name(*ObjectAttributes, ObjectType, request);
  if (!body) return body.status();
  const auto reference = ob::Ref<void>::adopt(*body);
  const auto handle = ob::create_handle(*body, DesiredAccess, ObjectAttributes->Attributes);
  if (handle) *Handle = *handle;
  return handle.status();
}

NTSTATUS ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes, PACCESS_STATE AccessState,
                                 ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                 PVOID ParseContext, PVOID *Object) {
  NT_ENTER(ObReferenceObjectByName, ObjectName, Attributes, AccessState, DesiredAccess, ObjectType, AccessMode,
           ParseContext, Object);
  *Object = nullptr;
  if (AccessState) return STATUS_NOT_SUPPORTED;
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, ObjectName, Attributes, nullptr, nullptr);
  ob::OpenRequest request{.access = DesiredAccess, .mode = AccessMode, .context = ParseContext};
  const auto body = ob::open_by_name(attributes, ObjectType, request);
  if (body) *Object = *body;
  return body.status();
}
