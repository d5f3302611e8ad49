// The table of every API: what exists, how complete it is, and where.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "nt/basetsd.h"

namespace ntemu::api {

enum class Id : uint16_t {
#define NT_API(name, level, irql, note) name,
#define NT_STUB(name, note) name,
#define NT_DATA(name, note)
#include "ntemu/api/all.def"
#undef NT_API
#undef NT_STUB
#undef NT_DATA
  kCount
};

enum class Level : uint8_t { Full, Partial, Stub };

struct Entry {
  std::string_view name;
  Level level;
  KIRQL max_irql;
  std::string_view note;
  void *address;
};

// Sorted as the tables are; index with Id.
std::span<const Entry> table();
const Entry &entry(Id id);
const Entry *find(std::string_view name);

}  // namespace ntemu::api
