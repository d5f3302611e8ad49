// !pcr, !irql, !dpcs and !timer: the processors, and what is queued to run on them.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

// The head of Windows' KPRCB; then the queues of ordinary and of threaded DPCs, on a cache line of their own.
constexpr uint64_t kCurrentThread = 8, kNextThread = 0x10, kIdleThread = 0x18, kNumber = 0x24, kDpcData = 0x80,
                   kDpcDataSize = 0x28, kDpcDepth = 0x18, kDpcCount = 0x1c, kActiveDpc = 0x20;
constexpr uint64_t kDpcNext = 8, kDpcRoutine = 0x18;
constexpr uint64_t kTimerDue = 0x18, kTimerEntry = 0x20, kTimerDpc = 0x30, kTimerPeriod = 0x3c;
constexpr size_t kMostProcessors = 64, kMostDpcs = 4096, kTimerLists = 256, kMostTimers = 10'000;

std::vector<Address> processors(Session &session) {
  std::vector<Address> all;
  const auto block = reinterpret_cast<Address>(session.target().data().KiProcessorBlock);
  for (size_t i = 0; block && i < kMostProcessors; ++i) {
    const auto processor = session.memory().pointer(block + i * sizeof(Address));
    if (!processor || !*processor) break;
    all.push_back(*processor);
  }
  return all;
}

const char *irql_name(unsigned irql) {
  static constexpr const char *kNames[] = {"LOW_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};
  if (irql < std::size(kNames)) return kNames[irql];
  return irql == 12   ? "SYNCH_LEVEL"
         : irql == 13 ? "CLOCK_LEVEL"
         : irql == 14 ? "IPI_LEVEL"
         : irql == 15 ? "HIGH_LEVEL"
                      : "";
}

std::optional<uint8_t> irql_of(Session &session, Address thread) {
  const uint32_t offset = session.target().data().irql;
  return offset ? session.memory().get<uint8_t>(thread + offset) : std::nullopt;
}

std::string irql_text(unsigned irql) {
  const std::string name = irql_name(irql);
  return name.empty() ? fmt::format("{}", irql) : fmt::format("{} ({})", irql, name);
}

// An IRQL belongs to a thread here; at DISPATCH_LEVEL and above the thread has its processor for itself.
bool show_irql(Session &session, Arguments, Output &output) {
  const auto selected = session.thread();
  if (!selected) return fail(output, "No thread is selected");
  const auto irql = irql_of(session, selected->address);
  if (!irql) return fail(output, fmt::format("the IRQL of thread {} cannot be read", hex16(selected->address)));
  std::string where = fmt::format("thread {}", hex16(selected->address));
  for (const Address processor : processors(session)) {
    const auto current = session.memory().pointer(processor + kCurrentThread);
    if (*irql >= 2 && current == selected->address)
      where = fmt::format("processor 0x{:x}", session.memory().get<uint32_t>(processor + kNumber).value_or(0));
  }
  output.value("thread", hex16(selected->address), "");
  output.value("irql", *irql, fmt::format("Debugger saved IRQL for {} -- {}", where, irql_text(*irql)));
  return true;
}

void show_processor(Session &session, Address processor, Output &output) {
  Memory &memory = session.memory();
  const auto at = [&](uint64_t offset) { return memory.pointer(processor + offset).value_or(0); };
  const uint32_t number = memory.get<uint32_t>(processor + kNumber).value_or(0);
  Object row(output, "processors");
  output.value("number", number, fmt::format("KPCR for Processor {} at {}:", number, hex16(processor)));
  const Address current = at(kCurrentThread);
  const auto irql = current ? irql_of(session, current) : std::nullopt;
  const auto line = [&](std::string_view key, std::string_view title, const std::string &text) {
    output.value(key, text, fmt::format("{:>18}: {}", title, text));
  };
  line("prcb", "Prcb", hex16(processor));
  line("irql", "Irql", irql ? irql_text(*irql) : "0 (LOW_LEVEL)");
  line("current_thread", "CurrentThread", hex16(current));
  line("next_thread", "NextThread", hex16(at(kNextThread)));
  line("idle_thread", "IdleThread", hex16(at(kIdleThread)));
  line("dpc_depth", "DpcQueueDepth",
       fmt::format("{}", memory.get<int32_t>(processor + kDpcData + kDpcDepth).value_or(0)));
  line("dpc_count", "DpcCount", fmt::format("{}", memory.get<uint32_t>(processor + kDpcData + kDpcCount).value_or(0)));
  if (const Address active = at(kDpcData + kActiveDpc))
    line("active_dpc", "ActiveDpc",
         fmt::format("{} {}", hex16(active), session.symbols().name(memory.pointer(active + kDpcRoutine).value_or(0))));
}

bool show_processors(Session &session, Arguments arguments, Output &output) {
  const auto all = processors(session);
  if (all.empty()) return fail(output, "KiProcessorBlock cannot be read");
  size_t first = 0, last = all.size() - 1;
  if (!arguments.words().empty()) {
    const auto number = session.evaluate(arguments.words().front());
    if (!number) return fail(output, number.error().text);
    if (*number >= all.size())
      return fail(output, fmt::format("There is no processor {}: there are {}", *number, all.size()));
    first = last = *number;
  }
  for (size_t i = first; i <= last; ++i) show_processor(session, all[i], output);
  return true;
}

bool show_dpcs(Session &session, Arguments, Output &output) {
  Memory &memory = session.memory();
  Table table("dpcs", {{"CPU", "cpu", Align::kRight}, {"Type", "type"}, {"KDPC", "dpc"}, {"Function", "function"}},
              {.rule = false});
  bool whole = true;
  for (const Address processor : processors(session)) {
    const uint32_t number = memory.get<uint32_t>(processor + kNumber).value_or(0);
    for (size_t kind = 0; kind < 2; ++kind) {
      const Address data = processor + kDpcData + kind * kDpcDataSize;
      const auto add = [&](Address dpc, const char *type) {
        const Address routine = memory.pointer(dpc + kDpcRoutine).value_or(0);
        table.add({{fmt::format("{}", number), number},
                   type,
                   hex16(dpc),
                   fmt::format("{} {}", hex16(routine), session.symbols().name(routine))});
      };
      if (const auto active = memory.pointer(data + kActiveDpc); active && *active) add(*active, "Active");
      size_t count = 0;
      auto entry = memory.pointer(data);
      for (; entry && *entry && count < kMostDpcs; ++count) {
        add(*entry - kDpcNext, kind ? "Threaded" : "Normal");
        entry = memory.pointer(*entry);
      }
      whole &= entry && !*entry;
    }
  }
  if (table.size()) {
    output.table(table);
  } else {
    output.text("No DPC is queued.");
  }
  if (!whole) output.error("a queue of DPCs leads astray");
  return true;
}

std::string waiter_of(Facts &facts, Address timer) {
  const auto waiters = facts.waiters(timer).found;
  return waiters.empty() ? "" : fmt::format("thread {}", hex16(waiters.front()));
}

bool show_timers(Session &session, Arguments, Output &output) {
  Facts facts(session);
  Memory &memory = session.memory();
  const kd::DebuggerData &data = session.target().data();
  const auto tables = reinterpret_cast<Address>(data.timer_tables);
  const auto now = facts.uptime();
  if (!tables || !data.timer_table_size) return fail(output, "the kernel does not say where its timers are");
  output.text("Dump system timers");
  output.text("");
  if (now)
    output.value("interrupt_time", *now, fmt::format("Interrupt time: {:08x} {:08x}", *now & 0xffffffff, *now >> 32));
  output.text("");
  Table table("timers",
              {{"List", "list", Align::kRight},
               {"Timer", "timer"},
               {"Due", "due"},
               {"In", "seconds_left", Align::kRight},
               {"Period", "period_milliseconds", Align::kRight},
               {"DPC/thread", "target"}},
              {.rule = false});
  size_t longest = 0;
  std::vector<std::string> problems;
  for (size_t list = 0; list < 2 * kTimerLists; ++list) {
    const bool absolute = list >= kTimerLists;
    const Address head = tables + (absolute ? data.timer_table_size : 0) + list % kTimerLists * 16;
    const auto walk = walk_list(memory, head, fmt::format("timer list {}", list), kMostTimers);
    problems.insert(problems.end(), walk.problems.begin(), walk.problems.end());
    longest = std::max(longest, walk.found.size());
    for (const Address entry : walk.found) {
      const Address timer = entry - kTimerEntry;
      const auto due = memory.get<int64_t>(timer + kTimerDue);
      if (!due) continue;
      const Address dpc = memory.pointer(timer + kTimerDpc).value_or(0);
      const uint32_t period = memory.get<uint32_t>(timer + kTimerPeriod).value_or(0);
      const int64_t left = *due - now.value_or(0) - (absolute ? data.boot_time : 0);
      const std::string target =
          dpc ? session.symbols().name(memory.pointer(dpc + kDpcRoutine).value_or(0)) : waiter_of(facts, timer);
      table.add({{fmt::format("{}", list % kTimerLists), list},
                 hex16(timer),
                 fmt::format("{:08x} {:08x}{}", *due & 0xffffffff, static_cast<uint64_t>(*due) >> 32,
                             absolute ? " (absolute)" : ""),
                 duration_cell(left),
                 {fmt::format("{}", period), period},
                 target});
    }
  }
  output.table(table);
  output.text("");
  output.value("total", table.size(), fmt::format("Total Timers: {}, Maximum List: {}", table.size(), longest));
  tell_problems(problems, output);
  return true;
}

constexpr Command kCommands[] = {
    {"!pcr !prcb", "[NUMBER]", "The processors: which thread has each, and how many DPCs are queued", show_processors},
    {"!irql", "", "The IRQL of the selected thread", show_irql},
    {"!dpcs", "", "The DPCs that are queued or run", show_dpcs},
    {"!timer !timers", "", "The timers that are set", show_timers},
};

}  // namespace

std::span<const Command> processor_commands() { return kCommands; }

}  // namespace ntemu::debug
