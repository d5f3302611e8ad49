// PoolTrackTable: what is allocated, by tag.
#pragma once

#include "ntemu/ex/pool.h"

namespace ntemu::ex {

inline constexpr size_t kTrackerRows = 1024;
extern POOL_TRACKER_TABLE tracker_rows[kTrackerRows];

// Where the search for a tag's row begins.
inline size_t first_row(ULONG tag) { return tag * 2654435761u >> 22; }
// The row of `tag`, made on first use; the last row collects what finds no room, and what has no tag.
POOL_TRACKER_TABLE &find_row(ULONG tag);

[[gnu::always_inline]] inline void track(ULONG tag, bool paged, SIZE_T bytes, bool allocated) {
  POOL_TRACKER_TABLE *row = &tracker_rows[first_row(tag)];
  if (__atomic_load_n(&row->Key, __ATOMIC_ACQUIRE) != tag || tag == 0) [[unlikely]]
    row = &find_row(tag);
  const SIZE_T change = allocated ? bytes : ~bytes + 1;
  SIZE_T &count =
      paged ? (allocated ? row->PagedAllocs : row->PagedFrees) : (allocated ? row->NonPagedAllocs : row->NonPagedFrees);
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(paged ? &row->PagedBytes : &row->NonPagedBytes, change, __ATOMIC_RELAXED);
}

}  // namespace ntemu::ex
