#include "ntemu/ex/pool_small.h"

namespace ntemu::ex {
namespace {

constexpr size_t kStep = 16 * base::kPageSize;  // is committed at once

struct Pages {
  base::Mutex mutex;
  size_t used NTEMU_GUARDED_BY(mutex) = 0;
  std::atomic<UCHAR> *units = nullptr;  // of each page
};

Pages &pages() {
  static Pages *all = [] {
    auto *fresh = new Pages;
    fresh->units = static_cast<std::atomic<UCHAR> *>(base::map_pages(kSmallPoolSize / base::kPageSize));
    return fresh;
  }();
  return *all;
}

}  // namespace

std::atomic<size_t> small_pool_bytes{0};

size_t units_at(const void *address) {
  if (!in_small_pool(address)) return 0;
  return pages().units[(reinterpret_cast<uintptr_t>(address) - kSmallPool) / base::kPageSize].load(
      std::memory_order_acquire);
}

PoolHeader *block_around(const void *address) {
  const size_t bytes = units_at(address) * kUnit;
  if (bytes == 0) return nullptr;
  const size_t in_page = reinterpret_cast<uintptr_t>(address) % base::kPageSize;
  const size_t start = in_page - in_page % bytes;
  if (start + bytes > base::kPageSize) return nullptr;
  return reinterpret_cast<PoolHeader *>(reinterpret_cast<uintptr_t>(address) - in_page + start);
}

char *take_small_page(size_t units) {
  Pages &all = pages();
  if (!all.units) return nullptr;
  base::Guard guard(all.mutex);
  const size_t committed = small_pool_bytes.load(std::memory_order_relaxed);
  if (all.used == committed) {
    if (committed == kSmallPoolSize) return nullptr;
    if (!base::commit_pages(reinterpret_cast<void *>(kSmallPool + committed), kStep)) return nullptr;
    small_pool_bytes.store(committed + kStep, std::memory_order_release);
  }
  all.units[all.used / base::kPageSize].store(static_cast<UCHAR>(units), std::memory_order_release);
  auto *page = reinterpret_cast<char *>(kSmallPool + all.used);
  all.used += base::kPageSize;
  return page;
}

}  // namespace ntemu::ex
