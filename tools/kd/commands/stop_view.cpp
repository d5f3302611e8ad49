#include "tools/kd/commands/stop_view.h"

#include <fmt/format.h>

#include <algorithm>

namespace ntemu::debug {
namespace {

// Where CONTEXT has the registers.
constexpr std::pair<uint64_t, Register> kContext[] = {
    {0x78, kRax}, {0x80, kRcx}, {0x88, kRdx}, {0x90, kRbx}, {0x98, kRsp}, {0xa0, kRbp},
    {0xa8, kRsi}, {0xb0, kRdi}, {0xb8, kR8},  {0xc0, kR9},  {0xc8, kR10}, {0xd0, kR11},
    {0xd8, kR12}, {0xe0, kR13}, {0xe8, kR14}, {0xf0, kR15}, {0xf8, kRip}};
constexpr uint64_t kContextFlags = 0x44, kStackBase = 0x38;
constexpr size_t kMostStack = 1 << 20, kWithoutBase = 64 << 10;

// Codes that an exception ends in; for others KiContextRecord is of something earlier, if of anything.
bool is_trap(uint64_t code) {
  static constexpr uint64_t kCodes[] = {0x0a, 0x1e, 0x3b, 0x50, 0x7e, 0x7f, 0x8e, 0xbe,       0xcc,
                                        0xcd, 0xce, 0xd1, 0xd3, 0xd5, 0xd6, 0xfc, 0x1000007e, 0x1000008e};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

std::optional<Registers> context_registers(Session &session) {
  const auto record = session.symbols().address("nt!KiContextRecord");
  if (!record) return std::nullopt;
  Registers registers;
  for (const auto &[offset, number] : kContext) {
    const auto value = session.memory().pointer(*record + offset);
    if (!value) return std::nullopt;
    registers.set(number, *value);
  }
  if (!registers.pc() || !registers.sp()) return std::nullopt;
  registers.flags = session.memory().get<uint32_t>(*record + kContextFlags);
  return registers;
}

ThreadState state_at(Session &session, const Thread &thread, const Registers &registers) {
  ThreadState state;
  state.registers = registers;
  state.running = true;
  state.stack_start = registers.sp();
  const Address base = session.memory().pointer(thread.address + kStackBase).value_or(0);
  const uint64_t left = base > state.stack_start ? base - state.stack_start : kWithoutBase;
  state.stack.resize(std::min<uint64_t>(left, kMostStack));
  state.stack.resize(session.memory().read(state.stack_start, state.stack.data(), state.stack.size()));
  return state;
}

}  // namespace

StopPlace stop_place(Facts &facts, const BugCheck &check) {
  Session &session = facts.session();
  StopPlace place;
  place.thread = session.thread();
  if (!place.thread) return place;
  const auto context = is_trap(check.code) ? context_registers(session) : std::nullopt;
  if (context) {
    place.trapped = true;
    place.registers = *context;
    place.calls = facts.calls(unwind(session.target(), state_at(session, *place.thread, *context)));
  }
  if (place.calls.sites.empty()) place.calls = facts.calls(*place.thread);
  for (const CallSite &site : place.calls.sites) {
    Module *module = session.target().module_at(site.frame->pc - (site.frame->after_call ? 1 : 0));
    if (!module || module->kind != ModuleKind::kDriver) continue;
    place.driver = &site;
    place.module = module;
    place.instruction = site.frame->pc;
    return place;
  }
  // The stack may be what was destroyed: a parameter that lies in a driver's code tells, too.
  for (const uint64_t parameter : check.parameters) {
    Module *module = session.target().module_at(parameter);
    if (!module || module->kind != ModuleKind::kDriver) continue;
    place.module = module;
    place.instruction = parameter;
    break;
  }
  return place;
}

std::string check_text(const BugCheck &check) {
  const auto &p = check.parameters;
  return fmt::format("{:X} ({:X}, {:X}, {:X}, {:X})", check.code, p[0], p[1], p[2], p[3]);
}

}  // namespace ntemu::debug
