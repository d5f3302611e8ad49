#include "ntemu/vf/verified.h"

#include <array>
#include <atomic>
#include <cstdint>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/vf/call_check.h"
#include "ntemu/vf/check_routine.h"
#include "ntemu/vf/lock_order.h"

namespace ntemu::vf {
namespace {

// Read without a lock at every call of a driver: an entry with no options is free.
struct Range {
  std::atomic<uintptr_t> begin, end;
  std::atomic<ULONG> options;
};
std::array<Range, 256> ranges;
std::atomic<size_t> ranges_used{0};
base::Mutex ranges_change;

}  // namespace

bool verify_image(const void *base, size_t bytes, ULONG options) {
  const auto begin = reinterpret_cast<uintptr_t>(base);
  start_call_checks();
  base::Guard guard(ranges_change);
  size_t at = 0;
  while (at < ranges_used.load() && ranges[at].options.load() != 0) ++at;
  if (at == ranges.size()) return false;
  ranges[at].begin = begin;
  ranges[at].end = begin + bytes;
  ranges[at].options.store(options | kAlways, std::memory_order_release);
  if (at == ranges_used.load()) ranges_used = at + 1;
  watch_routines();
  api::hooks.fetch_or(api::kVerify);
  return true;
}

void unverify_image(const void *base) {
  base::Guard guard(ranges_change);
  bool any = false;
  for (size_t i = 0; i < ranges_used.load(); ++i) {
    if (ranges[i].begin.load() == reinterpret_cast<uintptr_t>(base)) {
      ranges[i].options = 0;
      forget_locks(base, ranges[i].end.load() - ranges[i].begin.load());
    }
    any |= ranges[i].options.load() != 0;
  }
  if (any) return;
  api::hooks.fetch_and(~uint32_t{api::kVerify});
  stop_watching_routines();
}

void change_options(const void *base, ULONG options) {
  base::Guard guard(ranges_change);
  for (size_t i = 0; i < ranges_used.load(); ++i) {
    if (ranges[i].options.load() != 0 && ranges[i].begin.load() == reinterpret_cast<uintptr_t>(base))
      ranges[i].options.store(options | kAlways, std::memory_order_release);
  }
}

ULONG options_at(const void *address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  const size_t count = ranges_used.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    const ULONG options = ranges[i].options.load(std::memory_order_acquire);
    if (options != 0 && at >= ranges[i].begin.load() && at < ranges[i].end.load()) return options;
  }
  return 0;
}

std::pair<const void *, size_t> verified_images() {
  static_assert(sizeof(Range) == 24);
  return {ranges.data(), ranges.size()};
}

void violation(ULONG_PTR kind, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) { ke::bugcheck(0xC4, kind, p2, p3, p4); }

}  // namespace ntemu::vf
