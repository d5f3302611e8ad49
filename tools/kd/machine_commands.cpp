// vertarget, !irql, !pcr: the machine and its processors.
#include <fmt/format.h>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/machine_info.h"

namespace ntemu::debug {
namespace {

bool tell_target(Session &session, Arguments &, Output &output) {
  const MachineInfo info = machine_info(session);
  const kd::DebuggerData &data = session.target().data();
  output.value("version", version_line(info), version_line(info));
  output.value("processors", info.processors.size(), "");
  output.value("target", session.target().description(), "Machine: " + session.target().description());
  output.value("process", session.target().process(), "");
  output.value("kernel_base", hex16(reinterpret_cast<Address>(data.KernBase)), base_line(session));
  output.value("loaded_modules", hex16(reinterpret_cast<Address>(data.PsLoadedModuleList)), "");
  if (info.time) output.value("time", *info.time, "Debug session time: " + session_time(*info.time));
  if (info.uptime) output.value("uptime", *info.uptime, "System Uptime: " + uptime(*info.uptime));
  for (const std::string &problem : session.target().problems()) output.error("WARNING: " + problem);
  return true;
}

const char *irql_name(uint64_t irql) {
  switch (irql) {
    case 0:
      return "LOW_LEVEL";
    case 1:
      return "APC_LEVEL";
    case 2:
      return "DISPATCH_LEVEL";
    case 12:
      return "SYNCH_LEVEL";
    case 13:
      return "CLOCK_LEVEL";
    case 14:
      return "IPI_LEVEL";
    case 15:
      return "HIGH_LEVEL";
    default:
      return "";
  }
}

std::string irql_text(uint64_t irql) {
  const std::string name = irql_name(irql);
  return name.empty() ? fmt::format("{}", irql) : fmt::format("{} ({})", irql, name);
}

// What is known of processor `number`.
struct ProcessorState {
  Address address = 0, thread = 0;
  uint64_t irql = 0;
};

std::optional<ProcessorState> processor_state(Session &session, const MachineInfo &info, uint64_t number) {
  if (number >= info.processors.size()) return std::nullopt;
  ProcessorState state;
  state.address = info.processors[number];
  // The thread that has the processor: one below DISPATCH_LEVEL has none.
  constexpr uint64_t kFlags = 15, kBiased = 1;
  constexpr uint64_t kDispatch = 2;
  const auto word = session.types().value(state.address, "ntemu::ke::Processor.word._M_i");
  const auto current = session.types().value(state.address, "ntemu::ke::Processor.CurrentThread");
  state.thread = current.value_or(0);
  const Address holder = word.value_or(0) & ~kFlags;
  if (!holder) return state;
  const auto dispatching = session.types().value(holder, "_ETHREAD.dispatching._M_i");
  if ((*word & kBiased) && dispatching.value_or(0) == 0) return state;
  state.thread = holder;
  state.irql = session.types().value(holder, "_ETHREAD.irql").value_or(kDispatch);
  return state;
}

Result<uint64_t> take_number(Session &session, const Arguments &arguments) {
  return arguments.text().empty() ? Result<uint64_t>(uint64_t{0}) : session.evaluate(arguments.text());
}

bool tell_irql(Session &session, Arguments &arguments, Output &output) {
  const auto number = take_number(session, arguments);
  if (!number) return fail(output, number.error().text);
  const auto state = processor_state(session, machine_info(session), *number);
  if (!state) return fail(output, fmt::format("There is no processor 0x{:x}", *number));
  output.value("processor", *number, "");
  output.value("irql", state->irql,
               fmt::format("Debugger saved IRQL for processor 0x{:x} -- {}", *number, irql_text(state->irql)));
  // An IRQL below DISPATCH_LEVEL is a thread's own.
  const auto thread = session.thread();
  const auto own = thread ? session.types().value(thread->address, "_ETHREAD.irql") : std::nullopt;
  if (own)
    output.value("thread_irql", *own, fmt::format("IRQL of thread {} -- {}", hex16(thread->address), irql_text(*own)));
  return true;
}

bool tell_pcr(Session &session, Arguments &arguments, Output &output) {
  const auto number = take_number(session, arguments);
  if (!number) return fail(output, number.error().text);
  const auto state = processor_state(session, machine_info(session), *number);
  if (!state) return fail(output, fmt::format("There is no processor 0x{:x}", *number));
  output.value("processor", *number, fmt::format("KPCR for Processor {} at {}:", *number, hex16(state->address)));
  const auto tell = [&](const char *key, const char *title, const std::string &value) {
    output.value(key, value, fmt::format("{:>30}: {}", title, value));
  };
  tell("prcb", "Prcb", hex16(state->address));
  tell("irql", "Irql", irql_text(state->irql));
  tell("current_thread", "CurrentThread", hex16(state->thread));
  for (const auto &[key, title, path] : {std::tuple{"next_thread", "NextThread", "ntemu::ke::Processor.NextThread"},
                                         std::tuple{"idle_thread", "IdleThread", "ntemu::ke::Processor.IdleThread"}}) {
    if (const auto value = session.types().value(state->address, path)) tell(key, title, hex16(*value));
  }
  for (size_t i = 0; i < 2; ++i) {
    const std::string data = fmt::format("ntemu::ke::Processor.Dpcs[{}].", i);
    const auto depth = session.types().value(state->address, data + "DpcQueueDepth");
    const auto count = session.types().value(state->address, data + "DpcCount");
    if (depth && count)
      tell(i ? "threaded_dpcs" : "dpcs", i ? "Threaded DPCs" : "DPCs",
           fmt::format("{} queued, {} so far", *depth, *count));
  }
  return true;
}

constexpr Command kMachineCommands[] = {
    {"vertarget version", "", "What is looked at: version, time, uptime", tell_target},
    {"!irql", "[PROCESSOR]", "The IRQL of a processor, and of the selected thread", tell_irql},
    {"!pcr !prcb", "[PROCESSOR]", "A processor: its thread, its IRQL, its DPCs", tell_pcr},
};

}  // namespace

std::span<const Command> machine_commands() { return kMachineCommands; }

}  // namespace ntemu::debug
