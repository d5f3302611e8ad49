// The bug checks of the pool. Each is told in the log first, with the lines that took and freed the block.
#pragma once

#include <optional>

#include "ntemu/ex/pool.h"
#include "ntemu/ex/pool_block.h"

namespace ntemu::ex {

struct FreedBlock {
  PoolBlock block;
  const void *freed_by;
};

// The tag without the protection bit, which drivers may pass when they free; 0 matches any.
inline bool tags_match(ULONG allocated, ULONG freed) { return freed == 0 || ((allocated ^ freed) & 0x7fffffff) == 0; }

[[noreturn]] void wrong_tag(const PoolBlock &block, ULONG tag, const void *site);
// `first`: the first byte behind the block that was overwritten.
[[noreturn]] void overrun_block(const PoolBlock &block, const char *first, const void *site);
[[noreturn]] void no_such_large_block(const void *address, const std::optional<FreedBlock> &before, const void *site);
[[noreturn]] void not_in_pool(const void *address, const void *site);
// A small block that cannot be freed: not one, freed already, or overwritten.
[[noreturn]] void bad_small_block(const void *address, const void *site);
[[noreturn]] void damaged_next_header(const PoolBlock &block, const PoolHeader *next, const void *site);
[[noreturn]] void damaged_free_block(FreeBlock *block);

// A look at one that may be changing.
PoolBlock block_of(const PoolHeader *header);

}  // namespace ntemu::ex
