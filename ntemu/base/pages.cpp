#include "ntemu/base/pages.h"

#include <sys/mman.h>

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "ntemu/base/lock.h"

namespace ntemu::base {
namespace {

size_t round_to_pages(size_t bytes) { return (bytes + kPageSize - 1) & ~(kPageSize - 1); }

// A fresh mapping drops the contents and the protection in one call.
bool wipe(void *pages, size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  return mmap(pages, bytes, PROT_NONE, flags, -1, 0) != MAP_FAILED;
}

class Arena {
 public:
  bool is_reserved() NTEMU_EXCLUDES(mutex_) {
    Guard guard(mutex_);
    return reserved_ || reserve();
  }
  void *take(size_t bytes) NTEMU_EXCLUDES(mutex_) {
    Guard guard(mutex_);
    if (!reserved_ && !reserve()) return nullptr;
    uintptr_t address;
    if (auto run = by_size_.lower_bound({bytes, 0}); run != by_size_.end()) {
      const size_t size = run->first;
      address = run->second;
      remove(address, size);
      if (size > bytes) insert(address + bytes, size - bytes);
    } else {
      if (kCommittedApart - next_ < bytes) return nullptr;
      address = next_;
      next_ += bytes;
    }
    void *pages = reinterpret_cast<void *>(address);
    if (mprotect(pages, bytes, PROT_READ | PROT_WRITE) == 0) return pages;
    insert(address, bytes);
    return nullptr;
  }

  void give(void *pages, size_t bytes) NTEMU_EXCLUDES(mutex_) {
    if (!wipe(pages, bytes)) return;  // never used again: they are not clean
    Guard guard(mutex_);
    insert(reinterpret_cast<uintptr_t>(pages), bytes);
  }

 private:
  // A free run, which becomes one with its neighbours: small runs must not keep large ones from being found again.
  void insert(uintptr_t address, size_t size) NTEMU_REQUIRES(mutex_) {
    auto after = by_address_.lower_bound(address);
    if (after != by_address_.end() && after->first == address + size) {
      const size_t more = after->second;
      remove(after->first, more);
      size += more;
    }
    after = by_address_.lower_bound(address);
    if (after != by_address_.begin()) {
      const auto [start, before] = *std::prev(after);
      if (start + before == address) {
        remove(start, before);
        address = start;
        size += before;
      }
    }
    if (address + size == next_) {
      next_ = address;
      return;
    }
    by_address_.emplace(address, size);
    by_size_.emplace(size, address);
  }

  void remove(uintptr_t address, size_t size) NTEMU_REQUIRES(mutex_) {
    by_address_.erase(address);
    by_size_.erase({size, address});
  }

  bool reserve() NTEMU_REQUIRES(mutex_) {
    void *wanted = reinterpret_cast<void *>(kArenaBase);
    void *got =
        mmap(wanted, kArenaSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    reserved_ = got == wanted;
    return reserved_;
  }

  Mutex mutex_;
  bool reserved_ NTEMU_GUARDED_BY(mutex_) = false;
  uintptr_t next_ NTEMU_GUARDED_BY(mutex_) = kArenaBase;
  std::map<uintptr_t, size_t> by_address_ NTEMU_GUARDED_BY(mutex_);  // the free runs below next_
  std::set<std::pair<size_t, uintptr_t>> by_size_ NTEMU_GUARDED_BY(mutex_);
};

Arena &arena() {
  static Arena *the_arena = new Arena;  // never destroyed: threads may still run while the process exits
  return *the_arena;
}

}  // namespace

void *map_pages(size_t bytes) {
  if (bytes == 0 || bytes > kArenaSize) return nullptr;
  return arena().take(round_to_pages(bytes));
}

void unmap_pages(void *address, size_t bytes) { arena().give(address, round_to_pages(bytes)); }

bool commit_pages(void *address, size_t bytes) {
  return arena().is_reserved() && mprotect(address, round_to_pages(bytes), PROT_READ | PROT_WRITE) == 0;
}

void decommit_pages(void *address, size_t bytes) { wipe(address, round_to_pages(bytes)); }

bool in_arena(const void *address) { return reinterpret_cast<uintptr_t>(address) - kArenaBase < kArenaSize; }

}  // namespace ntemu::base
