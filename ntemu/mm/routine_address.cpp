// MmGetSystemRoutineAddress: what the kernel exports, by name.
#include <string>
#include <unordered_map>

#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntifs.h"

#define NT_API(name, level, irql, note)
#define NT_STUB(name, note)
#define NT_DATA(name, note) extern "C" char ntemu_address_of_##name __asm__(#name);
#include "ntemu/api/all.def"
#undef NT_DATA

using namespace ntemu;

namespace {

void *find_data(std::string_view name) {
  static const auto *by_name = new std::unordered_map<std::string_view, void *>{
#define NT_DATA(data, note) {#data, &ntemu_address_of_##data},
#include "ntemu/api/all.def"
  };
  const auto found = by_name->find(name);
  return found == by_name->end() ? nullptr : found->second;
}

}  // namespace

// A stub is not there: a driver that asks can do without, as on an older Windows.
PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName) {
  NT_ENTER(MmGetSystemRoutineAddress, SystemRoutineName);
  const std::string name = base::to_utf8(base::view(*SystemRoutineName));
  if (const api::Entry *entry = api::find(name)) return entry->level == api::Level::Stub ? nullptr : entry->address;
  return find_data(name);
}
