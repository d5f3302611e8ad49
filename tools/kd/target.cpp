#include "tools/kd/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "tools/kd/format.h"
#include "tools/kd/layouts.h"

namespace ntemu::debug {
namespace {

constexpr uint64_t kMostStack = 1 << 20;
constexpr int kAttempts = 10;
// How long the data block of version 1 is.
constexpr size_t kFirstVersion = offsetof(kd::DebuggerData, KiSwapContextResume);
// What KiSwapContext pushes, and the address it returns to.
constexpr Register kSaved[] = {kR15, kR14, kR13, kR12, kRbx, kRbp, kRip};

// The part of [address, ...) that belongs to the stack of `thread`.
uint64_t stack_size(Memory &memory, const Thread &thread, Address from) {
  const auto limit = memory.pointer(thread.address + layout::kThreadStackLimit);
  const auto base = memory.pointer(thread.address + layout::kThreadStackBase);
  constexpr uint64_t kWithoutBounds = 64 << 10;
  if (!limit || !base || from < *limit || from >= *base) return kWithoutBounds;  // a host thread, or a signal's stack
  return std::min(*base - from, kMostStack);
}

}  // namespace

std::optional<Failure> Target::find_data() {
  kd::DebuggerData data{};
  if (memory_->read(data_address_, &data, kFirstVersion) != kFirstVersion)
    return Failure{"KdDebuggerDataBlock cannot be read"};
  if (std::memcmp(data.tag, "KDBG", sizeof data.tag) != 0 || data.size < kFirstVersion)
    return Failure{"KdDebuggerDataBlock is damaged"};
  memory_->read(data_address_, &data, std::min<uint64_t>(data.size, sizeof data));
  data_ = data;
  return std::nullopt;
}

void Target::refresh() {
  memory_->forget();
  if (modules_known_) old_modules_ = std::move(modules_);
  modules_known_ = false;
  modules_.clear();
  module_problems_.clear();
  processes_.reset();
  threads_.reset();
}

std::optional<Thread> Target::thread_at(Address address) {
  using namespace layout;
  const auto stack = memory_->pointer(address + data_.kernel_stack);
  const auto host = memory_->get<pid_t>(address + data_.host_id);
  const auto id = memory_->pointer(address + kThreadClientId + sizeof(uint64_t));
  const auto state = memory_->get<uint8_t>(address + kThreadState);
  const auto reason = memory_->get<uint8_t>(address + kThreadWaitReason);
  const auto switches = memory_->get<uint32_t>(address + kThreadContextSwitches);
  const auto process = memory_->pointer(address + kThreadProcess);
  if (!stack || !host || !id || !state || !reason || !switches || !process) return std::nullopt;
  Thread thread;
  thread.address = address;
  thread.id = *id;
  thread.host_id = *host;
  thread.kernel_stack = *stack;
  thread.state = *state;
  thread.wait_reason = *reason;
  thread.context_switches = *switches;
  thread.process.address = *process;
  thread.process.id = memory_->pointer(*process + kProcessId).value_or(0);
  thread.process.name = memory_->text(*process + kProcessImageName, kProcessImageNameSize).value_or("");
  return thread;
}

void Target::read_stack(const Thread &thread, ThreadState &state, bool now) {
  state.stack_start = state.registers.sp();
  state.stack.resize(stack_size(*memory_, thread, state.stack_start));
  state.stack.resize(now ? memory_->read_now(state.stack_start, state.stack.data(), state.stack.size())
                         : memory_->read(state.stack_start, state.stack.data(), state.stack.size()));
}

Result<ThreadState> Target::waiting_state(const Thread &thread) {
  ThreadState result;
  result.registers.set(kRsp, thread.kernel_stack);
  read_stack(thread, result, live());
  if (result.stack.size() < sizeof(uint64_t) * std::size(kSaved))
    return Failure{fmt::format("its stack at {} cannot be read", ticked(thread.kernel_stack))};
  for (size_t i = 0; i < std::size(kSaved); ++i) {
    uint64_t value;
    std::memcpy(&value, &result.stack[i * sizeof value], sizeof value);
    result.registers.set(kSaved[i], value);
  }
  const auto resume = memory_->pointer(reinterpret_cast<Address>(data_.KiSwapContextResume));
  if (resume && *resume) {
    result.registers.set(kRip, *resume);
  } else {  // a kernel that does not tell: its caller is the first frame
    result.registers.set(kRsp, thread.kernel_stack + sizeof(uint64_t) * std::size(kSaved));
  }
  return result;
}

Result<ThreadState> Target::state(const Thread &thread) {
  if (!live()) return thread.kernel_stack ? waiting_state(thread) : running_state(thread);
  // It may wake and wait again meanwhile: what was read holds when it has been in the same wait before and after.
  for (int i = 0; i < kAttempts; ++i) {
    struct Moment {
      uint64_t stack = 0;
      uint32_t switches = 0;
    };
    const auto look = [&] {
      Moment moment;
      memory_->read_now(thread.address + data_.kernel_stack, &moment.stack, sizeof moment.stack);
      memory_->read_now(thread.address + layout::kThreadContextSwitches, &moment.switches, sizeof moment.switches);
      return moment;
    };
    const Moment before = look();
    if (!before.stack) break;
    Thread waiting = thread;
    waiting.kernel_stack = before.stack;
    auto result = waiting_state(waiting);
    const Moment after = look();
    if (before.stack == after.stack && before.switches == after.switches) return result;
  }
  return running_state(thread);
}

}  // namespace ntemu::debug
