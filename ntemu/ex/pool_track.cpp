#include "ntemu/ex/pool_track.h"

#include <iterator>

#include "ntemu/ex/pool.h"

NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedBytes, 0x08);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedAllocs, 0x10);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedFrees, 0x18);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedBytes, 0x20);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedAllocs, 0x28);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedFrees, 0x30);
NTEMU_ASSERT_SIZE(_POOL_TRACKER_TABLE, 0x38);

extern "C" {
__attribute__((visibility("default"))) POOL_TRACKER_TABLE *PoolTrackTable = nullptr;
__attribute__((visibility("default"))) SIZE_T PoolTrackTableSize = 0;
}

namespace ntemu::ex {
namespace {

// The row of `tag`, made on first use; the last row collects what finds no room, and what has no tag.
POOL_TRACKER_TABLE &tracker(ULONG tag) {
  static POOL_TRACKER_TABLE table[1024];
  static const bool published = [] {
    PoolTrackTable = table;
    PoolTrackTableSize = std::size(table);
    return true;
  }();
  (void)published;
  constexpr size_t kRows = std::size(table) - 1;
  if (tag == 0) [[unlikely]]
    return table[kRows];
  for (size_t i = 0, at = tag * 2654435761u % kRows; i < kRows; ++i, at = (at + 1) % kRows) {
    ULONG key = __atomic_load_n(&table[at].Key, __ATOMIC_ACQUIRE);
    if (key == tag) return table[at];
    if (key == 0 && __atomic_compare_exchange_n(&table[at].Key, &key, tag, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      return table[at];
    }
    if (key == tag) return table[at];
  }
  return table[kRows];
}

SIZE_T load(const SIZE_T &counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

}  // namespace

void track(ULONG tag, bool paged, SIZE_T bytes, bool allocated) {
  POOL_TRACKER_TABLE &row = tracker(tag);
  const SIZE_T change = allocated ? bytes : ~bytes + 1;
  SIZE_T &count =
      paged ? (allocated ? row.PagedAllocs : row.PagedFrees) : (allocated ? row.NonPagedAllocs : row.NonPagedFrees);
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(paged ? &row.PagedBytes : &row.NonPagedBytes, change, __ATOMIC_RELAXED);
}

PoolUse pool_use() {
  PoolUse use{};
  for (SIZE_T i = 0; i < PoolTrackTableSize; ++i) {
    const POOL_TRACKER_TABLE &row = PoolTrackTable[i];
    use.bytes += load(row.NonPagedBytes) + load(row.PagedBytes);
    use.blocks += load(row.NonPagedAllocs) - load(row.NonPagedFrees) + load(row.PagedAllocs) - load(row.PagedFrees);
  }
  return use;
}

}  // namespace ntemu::ex
