// Page source: every NT thread object, pool page and kernel stack comes from one fixed high address range.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ntemu::base {

inline constexpr size_t kPageSize = 4096;
// Inside the ranges that AddressSanitizer and ThreadSanitizer both let applications map, below the host's libraries.
inline constexpr uintptr_t kArenaBase = 0x7e90'0000'0000;
inline constexpr size_t kArenaSize = size_t{64} << 30;

// The upper half, whose pages their users commit themselves: map_pages takes from the lower.
inline constexpr uintptr_t kCommittedApart = kArenaBase + kArenaSize / 2;

// Zeroed read-write pages, `bytes` rounded up to whole pages; nullptr when the arena or the host is exhausted.
void *map_pages(size_t bytes);
// Gives pages from map_pages back. The address range stays reserved, so a stale access faults.
void unmap_pages(void *address, size_t bytes);

// Pages of the upper half, zeroed and read-write from now on; false when the host is exhausted.
bool commit_pages(void *address, size_t bytes);
// Inaccessible again, and their memory given back.
void decommit_pages(void *address, size_t bytes);

bool in_arena(const void *address);

}  // namespace ntemu::base
