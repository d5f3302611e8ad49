#include "tools/kd/commands/thread_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "ntemu/machine/duration.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

std::string source_of(const CallSite &site) {
  return site.line ? fmt::format("{} @ {}", site.line->file, site.line->line) : "";
}

std::string info_of(Facts &facts, const Thread &thread, const Waitable &object) {
  Memory &memory = facts.memory();
  if (object.name == "Mutant") {
    const Address owner = memory.pointer(object.address + kMutantOwner).value_or(0);
    if (!owner) return "No owning thread";
    const std::string process = facts.process_name(owner);
    return fmt::format("Owning Thread: {}", hex16(owner)) + (process.empty() ? "" : fmt::format(" ({})", process));
  }
  if (thread.wait_reason == kReasonFastMutex || thread.wait_reason == kReasonGuardedMutex)
    return fmt::format("Fast Mutex Owner: {}", hex16(object.address - kMutexEvent + kMutexOwner));
  if (object.name == "Semaphore")
    return fmt::format("Limit: {}", memory.get<int32_t>(object.address + kSemaphoreLimit).value_or(0));
  if (const auto wanted = facts.wanted_lock(thread.address))
    return fmt::format("{}: {}", lock_kind_name(wanted->kind), hex16(wanted->lock));
  if (object.name == "Thread") return fmt::format("Thread: {}", hex16(object.address));
  return "";
}

void show_wait_blocks(Facts &facts, const Thread &thread, Output &output) {
  const auto blocks = facts.wait_blocks(thread);
  if (blocks.empty()) return;
  Table table(
      "wait_blocks",
      {{"Object", "object"}, {"Type", "type"}, {"Other Waiters", "other_waiters", Align::kRight}, {"Info", "info"}},
      {.indent = "    ", .rule = false});
  std::vector<std::string> problems;
  for (const WaitBlock &block : blocks) {
    const Waitable object = facts.waitable(block.object);
    auto waiters = facts.waiters(block.object);
    problems.insert(problems.end(), waiters.problems.begin(), waiters.problems.end());
    const auto others = std::count_if(waiters.found.begin(), waiters.found.end(),
                                      [&](Address other) { return other != thread.address; });
    table.add({address_cell(object.address),
               object.name,
               {fmt::format("{}", others), others},
               info_of(facts, thread, object)});
  }
  output.text("");
  output.text("WaitBlockList:");
  output.table(table);
  tell_problems(problems, output);
}

void show_priority(Facts &facts, const Thread &thread, Output &output) {
  const auto current = facts.memory().get<int8_t>(thread.address + kPriority);
  const auto base = facts.memory().get<int8_t>(thread.address + kBasePriority);
  if (!current || !base || *current == *base) return;
  const auto cell = [](int64_t number) { return Cell(fmt::format("{}", number), number); };
  const auto part = [&](std::string_view path) {
    const auto value = facts.session().types().signed_value(thread.address, path);
    return value ? cell(*value) : Cell("-", nlohmann::json("unknown"));
  };
  Table table("priority",
              {{"Current", "current"},
               {"Base", "base"},
               {"Decrement", "decrement"},
               {"ForegroundBoost", "foreground_boost"},
               {"IO", "io"},
               {"Page", "page"}},
              {.indent = "    ", .rule = false});
  table.add({cell(*current), cell(*base), part("_KTHREAD.PriorityDecrement"), part("_KTHREAD.ForegroundBoost"),
             part("_ETHREAD.ThreadIoPriority"), part("_ETHREAD.ThreadPagePriority")});
  output.text("");
  output.text("Priority:");
  output.table(table);
}

}  // namespace

Cell address_cell(Address address) { return hex16(address); }
Cell duration_cell(int64_t time) { return {machine::format_duration(time), static_cast<double>(time) / 1e7}; }

void tell_problems(const std::vector<std::string> &problems, Output &output) {
  for (const std::string &problem : problems) output.error(problem);
}

void show_calls(const Calls &calls, Output &output) {
  const bool sources =
      std::any_of(calls.sites.begin(), calls.sites.end(), [](const CallSite &site) { return site.line.has_value(); });
  std::vector<Column> columns{
      {"#", "number", Align::kRight}, {"Child-SP", "child_sp"}, {"Return", "return"}, {"Call Site", "call_site"}};
  if (sources) columns.push_back({"Source", "source"});
  Table table("frames", columns, {.rule = false});
  for (size_t i = 0; i < calls.sites.size(); ++i) {
    const CallSite &site = calls.sites[i];
    std::vector<Cell> row{
        {fmt::format("{:x}", i), i}, address_cell(site.frame->stack), address_cell(site.return_address), site.function};
    if (sources) row.emplace_back(source_of(site));
    table.add(std::move(row));
  }
  if (table.size()) output.table(table);
  if (!calls.stack.problem.empty()) output.error(calls.stack.problem);
}

void show_call_sites(const Calls &calls, Output &output) {
  Table table("frames", {{"", "address"}, {"", "call_site"}, {"", "source"}}, {.indent = "    ", .header = false});
  for (const CallSite &site : calls.sites)
    table.add({address_cell(site.frame->pc), site.function, site.line ? fmt::format("({})", source_of(site)) : ""});
  output.table(table);
  if (!calls.stack.problem.empty()) output.error("    " + calls.stack.problem);
}

void show_thread(Facts &facts, const Thread &thread, Output &output) {
  const bool waits = thread.state == kStateWaiting;
  const Usage usage = facts.usage(thread);
  Table table("threads",
              {{"Process", "process"},
               {"Thread", "thread"},
               {"CID      ", "cid"},
               {"UserTime", "user_seconds", Align::kRight},
               {"KernelTime", "kernel_seconds", Align::kRight},
               {"ContextSwitches", "context_switches", Align::kRight},
               {"Wait Reason", "wait_reason"},
               {"Time", "wait_seconds", Align::kRight},
               {"State", "state"}},
              {.rule = false});
  table.add({{fmt::format("{} ({})", thread.process.name, hex16(thread.process.address)), thread.process.name},
             {hex16(thread.address) + " (E|K|W|R|V)", hex16(thread.address)},
             fmt::format("{:x}.{:x}", thread.process.id, thread.id),
             duration_cell(usage.user),
             duration_cell(usage.kernel),
             {fmt::format("{}", thread.context_switches), thread.context_switches},
             waits ? wait_reason_name(thread.wait_reason) : "",
             duration_cell(facts.waited(thread)),
             thread_state_name(thread.state)});
  output.table(table);
  show_priority(facts, thread, output);
  if (waits) show_wait_blocks(facts, thread, output);
  output.text("");
  show_calls(facts.calls(thread), output);
}

void show_windbg_thread(Facts &facts, const Thread &thread, bool stack, Output &output) {
  const bool waits = thread.state == kStateWaiting;
  std::string state = thread_state_name(thread.state);
  std::transform(state.begin(), state.end(), state.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::string reason = waits ? wait_reason_name(thread.wait_reason) : "";
  constexpr uint64_t kWaitMode = 0x187;
  const bool user = facts.memory().get<uint8_t>(thread.address + kWaitMode).value_or(0) == 1;
  const bool alertable = facts.session().types().value(thread.address, "_ETHREAD.wait_alertable").value_or(0) != 0;
  std::string first = fmt::format("THREAD {}  Cid {:04x}.{:04x}  Teb: 0000000000000000 Win32Thread: 0000000000000000 ",
                                  hex16(thread.address), thread.process.id, thread.id);
  first += waits ? fmt::format("WAIT: ({}) {} {}", reason, user ? "UserMode" : "KernelMode",
                               alertable ? "Alertable" : "Non-Alertable")
                 : state;
  output.value("thread", hex16(thread.address), first);
  output.value("state", thread_state_name(thread.state), "");
  if (waits) output.value("wait_reason", reason, "");
  for (const WaitBlock &block : facts.wait_blocks(thread)) {
    const Waitable object = facts.waitable(block.object);
    Object row(output, "objects");
    output.value("type", object.name, "");
    output.value("object", hex16(object.address), fmt::format("    {}  {}", hex16(object.address), object.name));
  }
  if (const Address start = facts.memory().pointer(thread.address + kStartAddress).value_or(0)) {
    const std::string name = facts.session().symbols().name(start);
    output.value("start", name, fmt::format("Win32 Start Address {} (0x{})", name, hex16(start)));
  }
  output.value("context_switches", thread.context_switches,
               fmt::format("Context Switch Count      {}", thread.context_switches));
  const Usage usage = facts.usage(thread);
  output.value("user_seconds", static_cast<double>(usage.user) / 1e7,
               fmt::format("UserTime                  {}", machine::format_duration(usage.user)));
  output.value("kernel_seconds", static_cast<double>(usage.kernel) / 1e7,
               fmt::format("KernelTime                {}", machine::format_duration(usage.kernel)));
  if (!stack) return;
  const Calls calls = facts.calls(thread);
  output.text("Child-SP          RetAddr               : Call Site");
  for (const CallSite &site : calls.sites) {
    Object row(output, "frames");
    output.value("call_site", site.function,
                 fmt::format("{} {} : {}{}", ticked(site.frame->stack), ticked(site.return_address), site.function,
                             site.line ? fmt::format(" [{}]", source_of(site)) : ""));
  }
  if (!calls.stack.problem.empty()) output.error(calls.stack.problem);
}

void show_waiting_threads(Facts &facts, const std::vector<Thread> &threads, const ThreadTable &shape, Output &output) {
  std::vector<Column> columns{{"Process", "process"}};
  if (shape.pid) columns.push_back({"PID", "pid", Align::kRight});
  for (const Column &column :
       {Column{"Thread", "thread"}, Column{"Id", "id", Align::kRight},
        Column{"CSwitches", "context_switches", Align::kRight}, Column{"User", "user_seconds", Align::kRight},
        Column{"Kernel", "kernel_seconds", Align::kRight}, Column{"State", "state"},
        Column{"Time", "wait_seconds", Align::kRight}, Column{"Reason", "wait_reason"}})
    columns.push_back(column);
  if (shape.waiting_on) columns.push_back({"Waiting On", "waiting_on"});
  columns.push_back({"Wait Function", "wait_function"});
  Table table("threads", columns);
  for (const Thread &thread : threads) {
    const Usage usage = facts.usage(thread);
    std::vector<Cell> row{thread.process.name};
    if (shape.pid) row.emplace_back(fmt::format("{:x}", thread.process.id), thread.process.id);
    row.push_back(address_cell(thread.address));
    row.emplace_back(fmt::format("{:x}", thread.id), thread.id);
    row.emplace_back(fmt::format("{}", thread.context_switches), thread.context_switches);
    row.push_back(duration_cell(usage.user));
    row.push_back(duration_cell(usage.kernel));
    row.emplace_back(thread_state_name(thread.state));
    row.push_back(duration_cell(facts.waited(thread)));
    row.emplace_back(thread.state == kStateWaiting ? wait_reason_name(thread.wait_reason) : "");
    if (shape.waiting_on) row.emplace_back(facts.waiting_on(thread));
    row.emplace_back(facts.wait_function(thread));
    table.add(std::move(row));
  }
  output.table(table);
}

}  // namespace ntemu::debug
