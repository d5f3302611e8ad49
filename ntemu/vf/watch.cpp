#include "ntemu/vf/watch.h"

#include <algorithm>
#include <unordered_map>

#include "ntemu/base/lock.h"
#include "ntemu/ex/pool.h"
#include "ntemu/include/ntemu/override.h"
#include "ntemu/ob/object.h"
#include "ntemu/vf/stack.h"

namespace ntemu::vf {
namespace {

template <class T>
struct Numbered {
  T what;
  uint64_t number;
};

struct Watched {
  base::Mutex mutex;
  uint64_t next NTEMU_GUARDED_BY(mutex) = 0;
  std::unordered_map<void *, Numbered<OutstandingBlock>> blocks NTEMU_GUARDED_BY(mutex);
  std::unordered_map<ULONG, Numbered<OutstandingHandle>> handles NTEMU_GUARDED_BY(mutex);
};

Watched &watched() {
  static Watched *all = new Watched;
  return *all;
}

// nullptr: what is taken belongs to the kernel or to the test kit.
const void *site_of_taker() { return api::is_bypassed() ? nullptr : calling_site(); }

void block_taken(void *block, SIZE_T bytes, ULONG tag) {
  const void *site = site_of_taker();
  if (!site) return;
  base::Guard guard(watched().mutex);
  watched().blocks[block] = {{block, bytes, tag, site}, watched().next++};
}

void block_given(void *block) {
  base::Guard guard(watched().mutex);
  watched().blocks.erase(block);
}

void handle_taken(HANDLE handle, ULONG index) {
  const void *site = site_of_taker();
  if (!site) return;
  base::Guard guard(watched().mutex);
  watched().handles[index] = {{handle, site}, watched().next++};
}

void handle_given(ULONG index) {
  base::Guard guard(watched().mutex);
  watched().handles.erase(index);
}

template <class Map>
auto in_order(const Map &map) {
  std::vector<typename Map::mapped_type> rows;
  rows.reserve(map.size());
  for (const auto &[key, row] : map) rows.push_back(row);
  std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.number < b.number; });
  std::vector<decltype(rows.front().what)> result;
  result.reserve(rows.size());
  for (const auto &row : rows) result.push_back(row.what);
  return result;
}

constexpr ex::PoolWatch kPoolWatch{block_taken, block_given};
constexpr ob::HandleWatch kHandleWatch{handle_taken, handle_given};

}  // namespace

void begin_watch() {
  {
    base::Guard guard(watched().mutex);
    watched().blocks.clear();
    watched().handles.clear();
  }
  ex::pool_watch = &kPoolWatch;
  ob::handle_watch = &kHandleWatch;
}

void end_watch() {
  ex::pool_watch = nullptr;
  ob::handle_watch = nullptr;
}

std::vector<OutstandingBlock> outstanding_blocks() {
  base::Guard guard(watched().mutex);
  return in_order(watched().blocks);
}

std::vector<OutstandingHandle> outstanding_handles() {
  base::Guard guard(watched().mutex);
  return in_order(watched().handles);
}

}  // namespace ntemu::vf
