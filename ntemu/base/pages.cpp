#include "ntemu/base/pages.h"

#include <sys/mman.h>

#include <map>

#include "ntemu/base/lock.h"

namespace ntemu::base {
namespace {

size_t round_to_pages(size_t bytes) { return (bytes + kPageSize - 1) & ~(kPageSize - 1); }

class Arena {
 public:
  void *take(size_t bytes) NTEMU_EXCLUDES(mutex_) {
    Guard guard(mutex_);
    if (!reserved_ && !reserve()) return nullptr;
    uintptr_t address;
    if (auto run = free_.lower_bound(bytes); run != free_.end()) {
      address = run->second;
      if (run->first > bytes) free_.emplace(run->first - bytes, address + bytes);
      free_.erase(run);
    } else {
      if (kArenaBase + kArenaSize - next_ < bytes) return nullptr;
      address = next_;
      next_ += bytes;
    }
    void *pages = reinterpret_cast<void *>(address);
    if (mprotect(pages, bytes, PROT_READ | PROT_WRITE) == 0) return pages;
    free_.emplace(bytes, address);
    return nullptr;
  }

  void give(void *pages, size_t bytes) NTEMU_EXCLUDES(mutex_) {
    // A fresh mapping drops the contents and the protection in one call.
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (mmap(pages, bytes, PROT_NONE, flags, -1, 0) == MAP_FAILED) return;  // never used again: they are not clean
    Guard guard(mutex_);
    free_.emplace(bytes, reinterpret_cast<uintptr_t>(pages));
  }

 private:
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
  std::multimap<size_t, uintptr_t> free_ NTEMU_GUARDED_BY(mutex_);
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

bool in_arena(const void *address) { return reinterpret_cast<uintptr_t>(address) - kArenaBase < kArenaSize; }

}  // namespace ntemu::base
