// !dpcs and !timer: what is queued to run on the processors, and what will be.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"
#include "tools/kd/machine_info.h"

namespace ntemu::debug {
namespace {

// The head of Windows' KPRCB; then the queues of ordinary and of threaded DPCs, on a cache line of their own.
constexpr uint64_t kNumber = 0x24, kDpcData = 0x80, kDpcDataSize = 0x28, kActiveDpc = 0x20;
constexpr uint64_t kDpcNext = 8, kDpcRoutine = 0x18;
constexpr uint64_t kTimerDue = 0x18, kTimerEntry = 0x20, kTimerDpc = 0x30, kTimerPeriod = 0x3c;
constexpr size_t kMostDpcs = 4096, kTimerLists = 256, kMostTimers = 10'000;

bool show_dpcs(Session &session, Arguments &, Output &output) {
  Memory &memory = session.memory();
  Table table("dpcs", {{"CPU", "cpu", Align::kRight}, {"Type", "type"}, {"KDPC", "dpc"}, {"Function", "function"}},
              {.rule = false});
  bool whole = true;
  for (const Address processor : machine_info(session).processors) {
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

bool show_timers(Session &session, Arguments &, Output &output) {
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

constexpr Command kProcessorCommands[] = {
    {"!dpcs", "", "The DPCs that are queued or run", show_dpcs},
    {"!timer !timers", "", "The timers that are set", show_timers},
};

}  // namespace

std::span<const Command> processor_commands() { return kProcessorCommands; }

}  // namespace ntemu::debug
