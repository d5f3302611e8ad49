#include "ntemu/ex/pool_track.h"

NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedBytes, 0x08);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedAllocs, 0x10);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, NonPagedFrees, 0x18);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedBytes, 0x20);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedAllocs, 0x28);
NTEMU_ASSERT_OFFSET(_POOL_TRACKER_TABLE, PagedFrees, 0x30);
NTEMU_ASSERT_SIZE(_POOL_TRACKER_TABLE, 0x38);

namespace ntemu::ex {

POOL_TRACKER_TABLE tracker_rows[kTrackerRows];

}  // namespace ntemu::ex

extern "C" {
__attribute__((visibility("default"))) POOL_TRACKER_TABLE *PoolTrackTable = ntemu::ex::tracker_rows;
__attribute__((visibility("default"))) SIZE_T PoolTrackTableSize = ntemu::ex::kTrackerRows;
}

namespace ntemu::ex {
namespace {

SIZE_T load(const SIZE_T &counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

}  // namespace

POOL_TRACKER_TABLE &find_row(ULONG tag) {
  constexpr size_t kLast = kTrackerRows - 1;
  if (tag == 0) return tracker_rows[kLast];
  for (size_t i = 0, at = first_row(tag) % kLast; i < kLast; ++i, at = (at + 1) % kLast) {
    ULONG &key = tracker_rows[at].Key;
    ULONG found = __atomic_load_n(&key, __ATOMIC_ACQUIRE);
    if (found == 0 && __atomic_compare_exchange_n(&key, &found, tag, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      return tracker_rows[at];
    }
    if (found == tag) return tracker_rows[at];
  }
  return tracker_rows[kLast];
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
