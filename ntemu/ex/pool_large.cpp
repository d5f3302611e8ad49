#include "ntemu/ex/pool_large.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/ex/pool_block.h"
#include "ntemu/ex/pool_poison.h"
#include "ntemu/ex/pool_report.h"
#include "ntemu/ex/pool_track.h"

namespace ntemu::ex {
namespace {

struct Large {
  base::Mutex mutex;
  std::map<const void *, PoolBlock> blocks NTEMU_GUARDED_BY(mutex);
  // The last ones, for who frees them again.
  std::array<FreedBlock, 64> freed NTEMU_GUARDED_BY(mutex) = {};
  size_t frees NTEMU_GUARDED_BY(mutex) = 0;
};

Large &large() {
  static Large *all = new Large;
  return *all;
}

// What a block leaves of its last page.
size_t rest_of_page(SIZE_T bytes) { return (base::kPageSize - bytes % base::kPageSize) % base::kPageSize; }
size_t marked(SIZE_T bytes) { return poisons() ? 0 : std::min(rest_of_page(bytes), kUnit); }

}  // namespace

void *take_large(SIZE_T bytes, ULONG tag, bool paged, const void *site) {
  auto *block = static_cast<char *>(base::map_pages(bytes));
  if (!block) return nullptr;
  std::memcpy(block + bytes, kTailPattern, marked(bytes));
  poison(block + bytes, rest_of_page(bytes));
  base::Guard guard(large().mutex);
  large().blocks[block] = {block, bytes, tag, paged, site};
  return block;
}

const char *find_large_overrun(const PoolBlock &block) {
  const auto *end = static_cast<const unsigned char *>(block.start) + block.bytes;
  for (size_t i = 0; i < marked(block.bytes); ++i) {
    if (end[i] != kTailPattern[i]) return reinterpret_cast<const char *>(end + i);
  }
  return nullptr;
}

void free_large(void *block, ULONG tag, const void *site) {
  Large &all = large();
  std::optional<PoolBlock> found;
  std::optional<FreedBlock> before;
  bool fits = false;
  const char *overrun = nullptr;
  {
    base::Guard guard(all.mutex);
    if (const auto at = all.blocks.find(block); at != all.blocks.end()) {
      found = at->second;
      fits = tags_match(found->tag, tag);
      overrun = find_large_overrun(*found);
      if (fits && !overrun) {
        all.blocks.erase(at);
        all.freed[all.frees++ % all.freed.size()] = {*found, site};
      }
    } else {
      for (size_t i = 1; i <= all.freed.size() && !before; ++i) {
        const FreedBlock &old = all.freed[(all.frees - i) % all.freed.size()];
        if (old.block.start == block) before = old;
      }
    }
  }
  if (!found) no_such_large_block(block, before, site);
  if (!fits) wrong_tag(*found, tag, site);
  if (overrun) overrun_block(*found, overrun, site);
  if (const PoolWatch *watch = pool_watch.load(std::memory_order_acquire)) [[unlikely]]
    watch->given(block);
  track(found->tag, found->paged, found->bytes, false);
  unpoison(static_cast<char *>(block) + found->bytes, rest_of_page(found->bytes));
  base::unmap_pages(block, found->bytes);
}

std::optional<PoolBlock> find_large(const void *address) {
  base::Guard guard(large().mutex);
  auto at = large().blocks.upper_bound(address);
  if (at == large().blocks.begin()) return std::nullopt;
  const PoolBlock &block = (--at)->second;
  const auto offset = static_cast<const char *>(address) - static_cast<const char *>(block.start);
  if (static_cast<SIZE_T>(offset) >= std::max<SIZE_T>(block.bytes, 1)) return std::nullopt;
  return block;
}

void forget_large_site(void *block) {
  base::Guard guard(large().mutex);
  if (const auto at = large().blocks.find(block); at != large().blocks.end()) at->second.site = nullptr;
}

void for_each_large(const std::function<void(const PoolBlock &)> &visit) {
  base::Guard guard(large().mutex);
  for (const auto &[start, block] : large().blocks) visit(block);
}

const void *large_pool_root() NTEMU_NO_THREAD_SAFETY_ANALYSIS { return &large().blocks; }

}  // namespace ntemu::ex
