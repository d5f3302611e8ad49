// The stacks that the inspection commands show, and what follows from them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ntemu/machine/duration.h"
#include "tools/kd/commands/facts.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

// Where a system thread's stack ends on Windows, too; what is below is the host's.
constexpr std::string_view kLast = "nt!KiStartSystemThread";

// What waits are made of. The kernel's own helpers begin with a small letter.
bool belongs_to_waits(std::string_view site) {
  if (!site.starts_with("nt!")) return false;
  const std::string_view function = site.substr(3);
  static constexpr std::array<std::string_view, 6> kPrefixes{"Ki",  "KeWaitFor", "KeDelay", "KeRemoveQueue",
                                                             "Exp", "Exf"};
  return (!function.empty() && function[0] >= 'a' && function[0] <= 'z') ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return function.starts_with(prefix); });
}

}  // namespace

Calls Facts::calls(const Thread &thread) { return calls(unwind(session_.target(), thread)); }

Calls Facts::calls(Stack stack) {
  Calls calls;
  calls.stack = std::move(stack);
  for (const Frame &frame : calls.stack.frames) {
    CallSite site{&frame, session_.symbols().name(frame.pc, frame.after_call), session_.shown_line(frame),
                  frame.return_address};
    const bool last = site.function.starts_with(kLast);
    if (last) site.return_address = 0;
    calls.sites.push_back(std::move(site));
    if (last) break;
  }
  return calls;
}

std::string Facts::wait_function(const Thread &thread) {
  if (thread.state != kStateWaiting) return "";
  const Stack stack = unwind(session_.target(), thread);
  for (const Frame &frame : stack.frames) {
    std::string name = session_.symbols().name(frame.pc, frame.after_call);
    if (!belongs_to_waits(name) || name.starts_with(kLast)) return name;
  }
  return "";
}

Address Facts::blocking_owner(const Thread &thread) {
  if (thread.state != kStateWaiting) return 0;
  if (const auto wanted = wanted_lock(thread.address)) {
    if (wanted->kind == LockKind::kFastMutex || wanted->kind == LockKind::kGuardedMutex)
      return memory().pointer(wanted->lock + kMutexOwner).value_or(0);
    const auto holding = holders(wanted->lock);
    return holding.empty() ? 0 : holding.front().thread;
  }
  for (const WaitBlock &block : wait_blocks(thread)) {
    const Waitable object = waitable(block.object);
    if (object.name == "Mutant") return memory().pointer(block.object + kMutantOwner).value_or(0);
    if (thread.wait_reason == kReasonFastMutex || thread.wait_reason == kReasonGuardedMutex)
      return memory().pointer(block.object - kMutexEvent + kMutexOwner).value_or(0);
  }
  return 0;
}

std::string Facts::waiting_on(const Thread &thread) {
  if (const Address owner = blocking_owner(thread)) return fmt::format("Owning Thread: {}", hex16(owner));
  if (const auto wanted = wanted_lock(thread.address))
    return fmt::format("{}: {}", lock_kind_name(wanted->kind), hex16(wanted->lock));
  const auto blocks = wait_blocks(thread);
  if (blocks.empty()) {
    const auto left = remaining(thread);
    return left ? fmt::format("{} left", machine::format_duration(*left)) : "";
  }
  const Waitable object = waitable(blocks.front().object);
  std::string text = fmt::format("{}: {}", object.name, hex16(object.address));
  if (blocks.size() > 1) text += fmt::format(" and {} more", blocks.size() - 1);
  return text;
}

}  // namespace ntemu::debug
