// Addresses of the APIs are taken by name alone, so that this file needs none of their headers.
#include "ntemu/api/table.h"

#include <unordered_map>

#define NT_API(name, level, irql, note) extern "C" void ntemu_address_of_##name() __asm__(#name);
#define NT_STUB(name, note) extern "C" void ntemu_address_of_##name() __asm__("ntemu_stub_" #name);
#define NT_DATA(name, note)
#include "ntemu/api/all.def"
#undef NT_API
#undef NT_STUB

namespace ntemu::api {
namespace {

constexpr KIRQL PASSIVE_LEVEL = 0, APC_LEVEL = 1, DISPATCH_LEVEL = 2, HIGH_LEVEL = 15;

const Entry kTable[] = {
#define NT_API(name, level, irql, note) \
  {#name, Level::level, irql, note, reinterpret_cast<void *>(&ntemu_address_of_##name)},
#define NT_STUB(name, note) NT_API(name, Stub, HIGH_LEVEL, note)
#include "ntemu/api/all.def"
#undef NT_API
#undef NT_STUB
};
static_assert(PASSIVE_LEVEL < APC_LEVEL && APC_LEVEL < DISPATCH_LEVEL);

}  // namespace

std::span<const Entry> table() { return kTable; }

const Entry &entry(Id id) { return kTable[static_cast<size_t>(id)]; }

const Entry *find(std::string_view name) {
  static const auto *by_name = [] {
    auto *map = new std::unordered_map<std::string_view, const Entry *>;
    for (const Entry &row : kTable) map->emplace(row.name, &row);
    return map;
  }();
  const auto found = by_name->find(name);
  return found == by_name->end() ? nullptr : found->second;
}

}  // namespace ntemu::api
