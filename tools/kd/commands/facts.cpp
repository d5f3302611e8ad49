#include "tools/kd/commands/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "ntemu/ke/names.h"
#include "tools/kd/format.h"
#include "tools/kd/machine_info.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

constexpr int64_t kTick = 156'250;  // 15.625 ms
constexpr size_t kMostBlocks = 64, kMostHeld = 16, kMostWaiters = 4096;

constexpr const char *kKinds[] = {
    "Mutex",    "Fast Mutex",        "Guarded Mutex", "Push Lock",         "Push Lock (shared)",
    "Resource", "Resource (shared)", "Spin Lock",     "Spin Lock (shared)"};

LockUse lock_use(Address thread, uint64_t lock, uint64_t site_and_kind) {
  const ke::HeldLock held{nullptr, site_and_kind};
  const bool known = static_cast<size_t>(held.kind()) < std::size(kKinds);
  return {thread, lock, reinterpret_cast<Address>(held.site()), known ? held.kind() : LockKind::kMutex};
}

}  // namespace

const char *lock_kind_name(LockKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::optional<uint8_t> wait_reason_number(std::string_view name) {
  for (uint8_t reason = 0; reason < 40; ++reason) {
    if (matches(name, wait_reason_name(reason))) return reason;
  }
  return std::nullopt;
}

const Thread *Facts::find(Address thread) {
  const auto &all = threads();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Thread &one) { return one.address == thread; });
  return at == all.end() ? nullptr : &*at;
}

std::string Facts::process_name(Address thread) {
  const Thread *found = find(thread);
  return found ? found->process.name : "";
}

std::optional<int64_t> Facts::uptime() {
  if (!uptime_) uptime_ = machine_info(session_).uptime;
  return *uptime_;
}

std::optional<int64_t> Facts::tail64(Address thread, uint32_t offset) {
  return offset ? memory().get<int64_t>(thread + offset) : std::nullopt;
}

int64_t Facts::waited(const Thread &thread) {
  const auto now = uptime();
  if (thread.state != kStateWaiting || !now) return 0;
  if (const auto began = tail64(thread.address, session_.target().data().wait_began))
    return std::max<int64_t>(*now - *began, 0);
  const auto ticks = memory().get<uint32_t>(thread.address + kWaitTime);
  return ticks ? std::max<int64_t>(*now - *ticks * kTick, 0) : 0;
}

std::optional<int64_t> Facts::remaining(const Thread &thread) {
  const kd::DebuggerData &data = session_.target().data();
  const auto deadline = tail64(thread.address, data.wait_deadline);
  const auto now = uptime();
  if (thread.state != kStateWaiting || !deadline || *deadline == INT64_MAX || !now) return std::nullopt;
  const bool absolute = memory().get<uint8_t>(thread.address + data.wait_absolute).value_or(0) != 0;
  return *deadline - (absolute ? *now + data.boot_time : *now);
}

// Everything runs in the kernel. A machine keeps no count itself: its host does.
Usage Facts::usage(const Thread &thread) {
  Usage usage;
  usage.user = memory().get<uint32_t>(thread.address + kUserTime).value_or(0) * kTick;
  usage.kernel = memory().get<uint32_t>(thread.address + kKernelTime).value_or(0) * kTick;
  if (const auto time = session_.target().processor_time(thread))
    usage.kernel = std::max(usage.kernel, *time / kTick * kTick);
  return usage;
}

std::vector<WaitBlock> Facts::wait_blocks(const Thread &thread) {
  std::vector<WaitBlock> blocks;
  const auto first = memory().pointer(thread.address + kWaitBlockList);
  if (thread.state != kStateWaiting || !first || !*first) return blocks;
  const uint32_t offset = session_.target().data().wait_count;
  const size_t count = offset ? memory().get<uint32_t>(thread.address + offset).value_or(0) : 1;
  for (size_t i = 0; i < std::min(count, kMostBlocks); ++i) {
    const Address at = *first + i * kBlockSize;
    blocks.push_back({at, memory().pointer(at + kBlockObject).value_or(0)});
  }
  return blocks;
}

Waitable Facts::waitable(Address object) {
  Waitable result;
  result.address = object;
  const auto type = memory().get<uint8_t>(object);
  if (!type) {
    result.name = "???";
    return result;
  }
  result.type = *type & 0x7f;  // above: the object's own lock
  result.name = result.type < ke::kDispatcherTypeNames.size() ? ke::kDispatcherTypeNames[result.type]
                                                              : fmt::format("type {:#x}", result.type);
  result.signal_state = memory().get<int32_t>(object + kSignalState);
  return result;
}

Walk<Address> Facts::waiters(Address object) {
  Walk<Address> result;
  auto blocks =
      walk_list(memory(), object + kWaitListHead, fmt::format("the waiters of {}", hex16(object)), kMostWaiters);
  result.problems = std::move(blocks.problems);
  for (const Address block : blocks.found) {
    if (const auto thread = memory().pointer(block + kBlockThread)) result.found.push_back(*thread);
  }
  return result;
}

std::vector<LockUse> Facts::held_locks(Address thread) {
  std::vector<LockUse> held;
  const uint32_t offset = session_.target().data().held_locks;
  if (!offset) return held;
  const size_t count = memory().get<uint32_t>(thread + offset).value_or(0);
  for (size_t i = 0; i < std::min(count, kMostHeld); ++i) {
    const Address at = thread + offset + 8 + i * 16;
    const auto lock = memory().pointer(at), site = memory().pointer(at + 8);
    if (lock && site && *lock) held.push_back(lock_use(thread, *lock, *site));
  }
  return held;
}

std::optional<LockUse> Facts::wanted_lock(Address thread) {
  const uint32_t offset = session_.target().data().wanted_lock;
  if (!offset) return std::nullopt;
  const auto lock = memory().pointer(thread + offset), site = memory().pointer(thread + offset + 8);
  if (!lock || !site || !*lock) return std::nullopt;
  return lock_use(thread, *lock, *site);
}

std::vector<LockUse> Facts::holders(Address lock) {
  if (!holders_) {
    holders_.emplace();
    for (const Thread &thread : threads()) {
      for (const LockUse &use : held_locks(thread.address)) holders_->emplace(use.lock, use);
    }
  }
  std::vector<LockUse> found;
  const auto [from, to] = holders_->equal_range(lock);
  for (auto at = from; at != to; ++at) found.push_back(at->second);
  return found;
}

}  // namespace ntemu::debug
