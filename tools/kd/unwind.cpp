#include "tools/kd/unwind.h"

#include <fmt/format.h>

#include <cstring>

#include "tools/kd/call_frames.h"
#include "tools/kd/dwarf_expression.h"
#include "tools/kd/format.h"
#include "tools/kd/image_file.h"

namespace ntemu::debug {
namespace {

// What a call keeps by the calling convention.
constexpr unsigned kKept[] = {kRbx, kRbp, kR12, kR13, kR14, kR15};

constexpr std::string_view kThreadStart = "KiStartSystemThread";

class Unwinder {
 public:
  Unwinder(Target &target, const ThreadState &state) : target_(target), state_(state) {}

  Stack unwind(size_t most) {
    Stack stack;
    stack.running = state_.running;
    Registers registers = state_.registers;
    // A waiting thread is behind the call that put it to sleep; one that runs is where it was interrupted.
    bool after_call = !state_.running;
    for (;;) {
      Frame &frame = stack.frames.emplace_back();
      frame.pc = registers.pc();
      frame.stack = registers.sp();
      frame.after_call = after_call;
      frame.registers = registers;
      if (starts_thread(frame)) break;
      const auto caller = step(frame, after_call);
      if (!caller || caller->pc() == 0) break;
      frame.return_address = caller->pc();
      if (stack.frames.size() == most) {
        problem_ = fmt::format("only the first {} frames are shown", most);
        break;
      }
      if (caller->sp() == frame.stack && caller->pc() == frame.pc) {
        problem_ = "the stack does not go on";
        break;
      }
      registers = *caller;
    }
    stack.problem = problem_;
    return stack;
  }

 private:
  std::optional<uint64_t> memory(Address address, size_t size) {
    uint64_t value = 0;
    if (size == 0 || size > sizeof value) return std::nullopt;
    const uint64_t offset = address - state_.stack_start;
    if (offset <= state_.stack.size() && size <= state_.stack.size() - offset) {
      std::memcpy(&value, &state_.stack[offset], size);
      return value;
    }
    return target_.memory().integer(address, size);
  }

  // What is below it is the host's.
  bool starts_thread(const Frame &frame) {
    Module *module = target_.module_at(frame.pc);
    if (!module || module->kind != ModuleKind::kKernel || !module->file()) return false;
    const FileSymbol *symbol = module->file()->symbol_at(frame.pc - module->bias());
    return symbol && std::string_view(symbol->linker_name).find(kThreadStart) != std::string_view::npos &&
           symbol->name() == kThreadStart;
  }

  // The caller's registers; none at the end of the stack. Whether the caller is behind a call is told in `after_call`.
  std::optional<Registers> step(const Frame &frame, bool &after_call) {
    Module *module = target_.module_at(frame.pc);
    CallFrames *calls = module ? module->call_frames() : nullptr;
    const FrameRow *row = calls ? calls->row(target_.memory(), frame.pc - (after_call ? 1 : 0)) : nullptr;
    if (!row) return step_without(frame, module, after_call);
    const Registers &registers = frame.registers;
    ExpressionContext context{registers, [&](Address address, size_t size) { return memory(address, size); }};
    std::optional<uint64_t> address;
    if (row->frame_address.kind == RegisterRule::kIsExpression) {
      address = evaluate_dwarf(row->frame_address.expression, context, std::nullopt);
    } else if (row->frame_address.kind == RegisterRule::kIsOffset && registers.has(row->frame_register)) {
      address = *registers.get(row->frame_register) + static_cast<uint64_t>(row->frame_address.offset);
    }
    if (!address) return end(fmt::format("the frame of {} cannot be found", ticked(frame.pc)));
    context.frame_address = address;
    Registers caller;
    for (const unsigned number : kKept) copy(registers, caller, number);
    caller.set(kRsp, *address);
    for (unsigned number = 0; number < kRegisters; ++number) {
      const RegisterRule &rule = row->rules[number];
      if (rule.kind == RegisterRule::kUnspecified) continue;
      const auto value = caller_value(rule, registers, number, *address, context);
      if (value) {
        caller.set(number, *value);
      } else {
        caller.forget(number);
      }
    }
    const RegisterRule &back = row->return_register < kRegisters ? row->rules[row->return_register] : RegisterRule{};
    if (back.kind == RegisterRule::kUndefined) return std::nullopt;  // the outermost frame says so
    const auto pc = caller.get(row->return_register);
    if (!pc) return end(fmt::format("the stack cannot be read at {}", ticked(*address - sizeof(uint64_t))));
    caller.set(kRip, *pc);
    after_call = !row->signal_frame;
    return caller;
  }

  static void copy(const Registers &from, Registers &to, unsigned number) {
    if (const auto value = from.get(number)) to.set(number, *value);
  }

  std::optional<uint64_t> caller_value(const RegisterRule &rule, const Registers &registers, unsigned number,
                                       Address address, const ExpressionContext &context) {
    const Address at = address + static_cast<uint64_t>(rule.offset);
    switch (rule.kind) {
      case RegisterRule::kSame:
        return registers.get(number);
      case RegisterRule::kAtOffset:
        return memory(at, sizeof(uint64_t));
      case RegisterRule::kIsOffset:
        return at;
      case RegisterRule::kRegister:
        return registers.get(static_cast<unsigned>(rule.offset));
      case RegisterRule::kAtExpression: {
        const auto place = evaluate_dwarf(rule.expression, context, address);
        return place ? memory(*place, sizeof(uint64_t)) : std::nullopt;
      }
      case RegisterRule::kIsExpression:
        return evaluate_dwarf(rule.expression, context, address);
      default:
        return std::nullopt;
    }
  }

  // Code that no table describes: what is on top of the stack may be where it came from, else the frame pointer leads
  // on.
  std::optional<Registers> step_without(const Frame &frame, const Module *module, bool &after_call) {
    const auto take = [&](Address place, std::optional<uint64_t> frame_pointer) -> std::optional<Registers> {
      const auto pc = memory(place, sizeof(uint64_t));
      if (!pc || !target_.module_at(*pc)) return std::nullopt;
      Registers caller;
      for (const unsigned number : kKept) copy(frame.registers, caller, number);
      if (frame_pointer) caller.set(kRbp, *frame_pointer);
      caller.set(kRsp, place + sizeof(uint64_t));
      caller.set(kRip, *pc);
      after_call = true;
      return caller;
    };
    if (!module && !after_call) {
      if (const auto caller = take(frame.stack, frame.registers.get(kRbp))) return caller;
    }
    const auto pointer = frame.registers.get(kRbp);
    if (pointer && *pointer >= frame.stack) {
      if (const auto caller = take(*pointer + sizeof(uint64_t), memory(*pointer, sizeof(uint64_t)))) return caller;
    }
    return end(module ? fmt::format("{} says nothing of frames at {}", module->name, ticked(frame.pc))
                      : fmt::format("{} is in no module", ticked(frame.pc)));
  }

  std::nullopt_t end(std::string problem) {
    problem_ = std::move(problem);
    return std::nullopt;
  }

  Target &target_;
  const ThreadState &state_;
  std::string problem_;
};

}  // namespace

Stack unwind(Target &target, const ThreadState &state, size_t most) { return Unwinder(target, state).unwind(most); }

Stack unwind(Target &target, const Thread &thread, size_t most) {
  const auto state = target.state(thread);
  if (!state) return {{}, state.error().text};
  return unwind(target, *state, most);
}

}  // namespace ntemu::debug
