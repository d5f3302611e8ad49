// Large blocks: each has pages of its own, and an entry in a table.
#pragma once

#include <optional>

#include "ntemu/ex/pool.h"

namespace ntemu::ex {

void *take_large(SIZE_T bytes, ULONG tag, bool paged, const void *site);
// Does not return where there is no such block, or where it is freed with another tag.
void free_large(void *block, ULONG tag, const void *site);

// The block that `address` lies in.
std::optional<PoolBlock> find_large(const void *address);
void for_each_large(const std::function<void(const PoolBlock &)> &visit);
void forget_large_site(void *block);
// For debuggers: the table, a std::map.
const void *large_pool_root();
// The first byte behind the block that has been overwritten; null when none has.
const char *find_large_overrun(const PoolBlock &block);

}  // namespace ntemu::ex
