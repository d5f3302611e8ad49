// The pool as debuggers see it.
#pragma once

#include <string>

#include "tools/kd/session.h"

namespace ntemu::debug {

// A row of PoolTrackTable.
struct PoolTag {
  uint32_t tag = 0;  // 0: what has no row of its own
  uint64_t nonpaged_bytes = 0, nonpaged_allocs = 0, nonpaged_frees = 0;
  uint64_t paged_bytes = 0, paged_allocs = 0, paged_frees = 0;
};

Walk<PoolTag> pool_tags(Session &session);
// Four letters.
std::string tag_name(uint32_t tag);
// The bytes of a name of up to four letters.
uint32_t tag_of(std::string_view name);

}  // namespace ntemu::debug
