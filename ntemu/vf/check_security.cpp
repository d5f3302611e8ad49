// Security checks: the Zw services, called at the right IRQL and with parameters that are what they have to be.
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

// Nothing of a driver's or of the kernel's lies there.
constexpr ULONG_PTR kFirstAddress = 0x10000;

void check_service(const Call &call, ULONG options) {
  const ETHREAD &thread = ke::current();
  if (thread.irql == PASSIVE_LEVEL && thread.Tcb.SpecialApcDisable == 0) return;
  if (call.id == Id::ZwClose && (options & kDdiCompliance)) return;  // a rule of its own: IrqlZwPassive
  report(call, "a Zw service needs PASSIVE_LEVEL and special kernel APCs enabled", 0xE6, address_of(call.caller),
         thread.irql, static_cast<USHORT>(thread.Tcb.SpecialApcDisable));
}

void check_address(const Call &call, const void *address) {
  if (address && address_of(address) < kFirstAddress)
    report(call, "a parameter is a user-mode address", 0xE3, address_of(call.caller), address_of(address));
}

void check_string(const Call &call, const UNICODE_STRING *string) {
  check_address(call, string);
  if (!string) return;
  const bool formed = string->Length % sizeof(WCHAR) == 0 && string->Length <= string->MaximumLength &&
                      (string->Buffer || string->Length == 0);
  if (!formed) report(call, "a UNICODE_STRING is malformed", 0xE4, address_of(call.caller), address_of(string));
  check_address(call, string->Buffer);
}

void check_attributes(const Call &call, ULONG) {
  const auto *attributes = pointer<const OBJECT_ATTRIBUTES>(call, 2);
  check_address(call, attributes);
  if (attributes) check_string(call, attributes->ObjectName);
}
void check_value_name(const Call &call, ULONG) { check_string(call, pointer<const UNICODE_STRING>(call, 1)); }
void check_status_block(const Call &call, ULONG) {
  const int at = call.id == Id::ZwCreateFile || call.id == Id::ZwOpenFile ? 3
                 : call.id == Id::ZwReadFile || call.id == Id::ZwWriteFile || call.id == Id::ZwDeviceIoControlFile ||
                         call.id == Id::ZwFsControlFile
                     ? 4
                     : 1;
  check_address(call, pointer<void>(call, at));
}

}  // namespace

void add_security_checks() {
  for (const api::Entry &entry : api::table()) {
    if (!entry.name.starts_with("Zw") || entry.level == api::Level::Stub) continue;
    const auto id = static_cast<Id>(&entry - api::table().data());
    add_call_check(id, kSecurity, check_service);
    // Each of these has its attributes in the same place.
    if (entry.name.starts_with("ZwCreate") || entry.name.starts_with("ZwOpen"))
      add_call_check(id, kSecurity, check_attributes);
  }
  for (const Id id : {Id::ZwQueryValueKey, Id::ZwSetValueKey}) add_call_check(id, kSecurity, check_value_name);
  for (const Id id : {Id::ZwCreateFile, Id::ZwOpenFile, Id::ZwReadFile, Id::ZwWriteFile, Id::ZwDeviceIoControlFile,
                      Id::ZwFsControlFile, Id::ZwSetInformationFile, Id::ZwQueryInformationFile})
    add_call_check(id, kSecurity, check_status_block);
}

}  // namespace ntemu::vf
