#include "ntemu/vf/pool_tracking.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/vf/stack.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

struct Takers {
  base::Mutex mutex;
  std::unordered_map<const void *, ex::PoolStack> of NTEMU_GUARDED_BY(mutex);
};

Takers &takers() {
  static Takers *all = new Takers;
  return *all;
}

struct Sum {
  size_t blocks = 0;
  SIZE_T bytes = 0;
};

void tell(base::Level level, const std::string &name, const std::vector<PoolLeak> &leaks) {
  constexpr size_t kMostLines = 64;  // of blocks; the sums are complete
  std::map<std::string, Sum> sums;
  size_t lines = 0;
  for (const PoolLeak &leak : leaks) {
    const std::string tag = ex::tag_text(leak.block.tag);
    Sum &sum = sums[tag];
    ++sum.blocks;
    sum.bytes += leak.block.bytes;
    if (lines++ >= kMostLines && level != base::Level::kError) continue;
    base::log(level, "pool", "{} has not freed {} bytes of {} pool, tag '{}', at {}: allocated by {}", name,
              leak.block.bytes, leak.block.paged ? "paged" : "nonpaged", tag, fmt::ptr(leak.block.start),
              ex::describe_site(leak.block.site));
    for (size_t i = 1; i < leak.stack.count; ++i)
      base::log(level, "pool", "    called by {}", ex::describe_site(leak.stack.frames[i]));
  }
  for (const auto &[tag, sum] : sums) {
    base::log(level, "pool", "{} has not freed {} block{} of tag '{}', {} bytes", name, sum.blocks,
              sum.blocks == 1 ? "" : "s", tag, sum.bytes);
  }
}

// Nothing with a destructor may be alive when the bugcheck leaves.
size_t tell_leaks(const void *base, size_t bytes, const UNICODE_STRING &name, bool fatal) {
  auto leaks = find_pool_leaks(base, bytes);
  if (leaks.empty()) return 0;
  std::sort(leaks.begin(), leaks.end(), [](const auto &a, const auto &b) { return a.block.start < b.block.start; });
  // The kit that watches the pool tells what it has seen itself.
  if (!fatal && ex::pool_watch.load()) return leaks.size();
  const std::u16string_view wide(reinterpret_cast<const char16_t *>(name.Buffer), name.Length / sizeof(char16_t));
  for (const PoolLeak &leak : leaks) {
    ex::forget_site(leak.block.start);  // the next image may be loaded at the same place
    forget_taker(leak.block.start);
  }
  tell(fatal ? base::Level::kError : base::Level::kWarning, base::to_utf8(wide), leaks);
  return leaks.size();
}

}  // namespace

std::vector<PoolLeak> find_pool_leaks(const void *base, size_t bytes) {
  std::vector<PoolLeak> leaks;
  const auto from_image = [&](const ex::PoolBlock &block) {
    return reinterpret_cast<uintptr_t>(block.site) - reinterpret_cast<uintptr_t>(base) < bytes;
  };
  ex::for_each_pool_block([&](const ex::PoolBlock &block) {
    if (from_image(block)) leaks.push_back({block, {}});
  });
  base::Guard guard(takers().mutex);
  for (PoolLeak &leak : leaks) {
    if (const auto found = takers().of.find(leak.block.start); found != takers().of.end()) leak.stack = found->second;
  }
  return leaks;
}

void report_pool_leaks(const void *base, size_t bytes, const UNICODE_STRING &name) {
  const bool fatal = options_at(base) & kPoolTracking;
  const size_t blocks = tell_leaks(base, bytes, name, fatal);
  if (fatal && blocks != 0) violation(0x62, reinterpret_cast<ULONG_PTR>(&name), 0, blocks);
}

void remember_taker(const void *block) {
  ex::PoolStack stack;
  stack.count = capture_stack(stack.frames);
  base::Guard guard(takers().mutex);
  takers().of[block] = stack;
}

void forget_taker(const void *block) {
  base::Guard guard(takers().mutex);
  takers().of.erase(block);
}

size_t remembered_takers() {
  base::Guard guard(takers().mutex);
  return takers().of.size();
}

}  // namespace ntemu::vf
