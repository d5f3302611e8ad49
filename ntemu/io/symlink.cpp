// Symbolic links between object names.
#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntemu/ob/object.h"

using namespace ntemu;

namespace {

NTSTATUS create_link(PUNICODE_STRING name, PUNICODE_STRING target) {
  if (name->Length % sizeof(WCHAR) || target->Length % sizeof(WCHAR)) return STATUS_OBJECT_NAME_INVALID;
  return ob::create_symbolic_link(base::view(*name), base::view(*target));
}

}  // namespace

NTSTATUS IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName) {
  NT_ENTER(IoCreateSymbolicLink, SymbolicLinkName, DeviceName);
  return create_link(SymbolicLinkName, DeviceName);
}

NTSTATUS IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName) {
  NT_ENTER(IoCreateUnprotectedSymbolicLink, SymbolicLinkName, DeviceName);
  return create_link(SymbolicLinkName, DeviceName);
}

NTSTATUS IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName) {
  NT_ENTER(IoDeleteSymbolicLink, SymbolicLinkName);
  if (SymbolicLinkName->Length % sizeof(WCHAR)) return STATUS_OBJECT_NAME_INVALID;
  return ob::delete_symbolic_link(base::view(*SymbolicLinkName));
}
