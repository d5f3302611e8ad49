#include "ntemu/vf/special_pool.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "ntemu/api/kernel_image.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/thread.h"
#include "ntemu/vf/stack.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

struct Settings {
  base::Mutex mutex;
  std::shared_ptr<const SpecialPoolSettings> current NTEMU_GUARDED_BY(mutex) =
      std::make_shared<const SpecialPoolSettings>();
};

Settings &settings() {
  static Settings *all = new Settings;
  return *all;
}

void capture(ex::PoolStack &stack) {
  ke::current();  // a host thread's stack is known from its first call on, which this may be
  stack.count = capture_stack(stack.frames);
}

bool fits(const std::string &pattern, ULONG tag) {
  const std::string text = ex::tag_text(tag);
  const size_t star = pattern.find('*');
  if (star != pattern.npos) return text.compare(0, star, pattern, 0, star) == 0;
  std::string whole = pattern;
  whole.resize(text.size(), ' ');
  std::string padded = text;
  for (char &letter : padded) {
    if (letter == '.') letter = ' ';  // a tag of fewer than 4 letters ends with zeros
  }
  return padded == whole || text == whole;
}

// Not the kernel, and not a library of the host's that works for it.
bool blames_driver(const void *ip) {
  if (api::is_kernel_code(ip)) return false;
  static const void *const libc = reinterpret_cast<const void *>(&std::abort);
  dl_find_object own, others;
  if (_dl_find_object(const_cast<void *>(libc), &others) != 0) return true;
  if (_dl_find_object(const_cast<void *>(ip), &own) != 0) return true;
  return own.dlfo_map_start != others.dlfo_map_start;
}

bool is_guard(const ex::SpecialRun &run, const void *address) { return address >= run.guard(); }
bool is_taken(const ex::SpecialRun *run) {
  return run && run->state.load(std::memory_order_acquire) == ex::SpecialRun::kTaken;
}

// The run whose first page comes behind the guard page that `address` lies in.
const ex::SpecialRun *run_behind(const void *address) {
  return ex::find_special(static_cast<const char *>(address) + base::kPageSize);
}

enum class Fault { kNone, kBeyond, kFreed };

struct Found {
  Fault fault = Fault::kNone;
  const ex::SpecialRun *run = nullptr;
};

Found find_fault(const void *address) {
  const auto place = reinterpret_cast<uintptr_t>(address);
  if (place - ex::kSpecialPool >= ex::kSpecialPoolSize) return {};
  const ex::SpecialRun *run = ex::find_special(address);
  if (run && !is_guard(*run, address)) {
    if (run->state.load(std::memory_order_acquire) == ex::SpecialRun::kFreed) return {Fault::kFreed, run};
    return {};
  }
  // A guard page lies between two blocks: the fault is that of the nearer one.
  const ex::SpecialRun *behind = run_behind(address);
  const bool second_half = place % base::kPageSize >= base::kPageSize / 2;
  const ex::SpecialRun *near = second_half ? behind : run, *far = second_half ? run : behind;
  for (const ex::SpecialRun *each : {near, far}) {
    if (is_taken(each)) return {Fault::kBeyond, each};
  }
  if (near && near->state.load() == ex::SpecialRun::kFreed) return {Fault::kFreed, near};
  if (far && far->state.load() == ex::SpecialRun::kFreed) return {Fault::kFreed, far};
  return {};
}

void add_stack(std::vector<std::string> &lines, const char *what, const ex::PoolStack &stack) {
  for (const void *frame : stack.used()) {
    lines.push_back(fmt::format("    {}: {}", what, ex::describe_site(frame)));
    what = "    called";
  }
}

}  // namespace

void set_special_pool(const SpecialPoolSettings &fresh) {
  auto shared = std::make_shared<const SpecialPoolSettings>(fresh);
  base::Guard guard(settings().mutex);
  settings().current = std::move(shared);
}

bool tag_fits(const std::vector<std::string> &patterns, ULONG tag) {
  if (patterns.empty()) return true;
  for (const std::string &each : patterns) {
    if (fits(each, tag)) return true;
  }
  return false;
}

void *take_special_block(const ex::PoolRequest &request, ULONG options) {
  const bool pageable = request.paged() && (options & kForceIrql);
  if (!pageable && !(options & kSpecialPool)) return nullptr;
  std::shared_ptr<const SpecialPoolSettings> current;
  {
    base::Guard guard(settings().mutex);
    current = settings().current;
  }
  const bool chosen = (options & kSpecialPool) && request.bytes >= current->least && request.bytes <= current->most &&
                      tag_fits(current->tags, request.tag);
  if (!chosen && !pageable) return nullptr;
  ex::capture_pool_stack = capture;
  return ex::take_special(request, current->alignment, pageable);
}

std::optional<ke::Bugcheck> explain_special_pool_fault(const void *address, bool write, const void *ip) {
  const Found found = find_fault(address);
  if (found.fault == Fault::kNone) return std::nullopt;
  const bool driver = blames_driver(ip);
  const ULONG code = found.fault == Fault::kBeyond ? (driver ? 0xD6 : 0xCD) : (driver ? 0xD5 : 0xCC);
  return ke::Bugcheck{code, {reinterpret_cast<ULONG_PTR>(address), write, reinterpret_cast<ULONG_PTR>(ip), 0}};
}

std::vector<std::string> describe_special_pool_fault(const void *address) {
  Found found = find_fault(address);
  if (found.fault == Fault::kNone) found.run = ex::find_special(address);  // in the block, which may have been trimmed
  if (!found.run || (found.fault == Fault::kNone && !(is_taken(found.run) && found.run->block.paged))) return {};
  const ex::PoolBlock &block = found.run->block;
  const auto *start = static_cast<const char *>(block.start);
  const auto *place = static_cast<const char *>(address);
  const auto *end = start + block.bytes;
  const std::string where = place >= end    ? fmt::format("{} bytes behind the end of", place - end)
                            : place < start ? fmt::format("{} bytes before the start of", start - place)
                                            : fmt::format("{} bytes into", place - start);
  std::vector<std::string> lines{fmt::format("{} lies {} a block of {} bytes, tag '{}', at {}{}", fmt::ptr(address),
                                             where, block.bytes, ex::tag_text(block.tag), fmt::ptr(block.start),
                                             found.fault == Fault::kFreed ? ", which is freed" : "")};
  add_stack(lines, "allocated", found.run->taken);
  if (found.fault == Fault::kFreed) add_stack(lines, "freed", found.run->freed);
  return lines;
}

}  // namespace ntemu::vf
