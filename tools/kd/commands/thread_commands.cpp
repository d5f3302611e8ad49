// !mex.us, !mex.t, !mex.lt, !WrFastMutex and those of the other reasons: the machine's threads.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

struct Group {
  Calls calls;
  std::vector<Address> threads;
};

bool unique_stacks(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const std::string &filter = arguments.text();
  std::vector<Group> groups;
  std::map<std::vector<Address>, size_t> known;
  size_t matching = 0;
  std::vector<std::string> unknown;
  for (const Thread &thread : facts.threads()) {
    Calls calls = facts.calls(thread);
    if (calls.sites.empty())
      unknown.push_back(fmt::format("thread {}: {}", hex16(thread.address), calls.stack.problem));
    const bool wanted =
        filter.empty() || std::any_of(calls.sites.begin(), calls.sites.end(),
                                      [&](const CallSite &site) { return matches_part(filter, site.function); });
    if (!wanted) continue;
    ++matching;
    std::vector<Address> key;
    for (const CallSite &site : calls.sites) key.push_back(site.frame->pc);
    const auto [at, fresh] = known.try_emplace(std::move(key), groups.size());
    if (fresh) groups.push_back({std::move(calls), {}});
    groups[at->second].threads.push_back(thread.address);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group &a, const Group &b) { return a.threads.size() < b.threads.size(); });
  for (const Group &group : groups) {
    Object object(output, "stacks");
    std::string list;
    auto threads = nlohmann::json::array();
    for (const Address thread : group.threads) {
      list += " " + hex16(thread);
      threads.push_back(hex16(thread));
    }
    const size_t count = group.threads.size();
    output.value("threads", threads, fmt::format("{} thread{} [stats]:{}", count, count == 1 ? "" : "s", list));
    show_call_sites(group.calls, output);
    output.text("");
  }
  tell_problems(session.target().threads().problems, output);
  tell_problems(unknown, output);
  output.value("total", facts.threads().size(), "");
  output.value("matching", matching,
               filter.empty() ? fmt::format("{} stack(s) with {} threads displayed ({} Total threads)", groups.size(),
                                            matching, facts.threads().size())
                              : fmt::format("Threads matching filter: {} out of {}", matching, facts.threads().size()));
  return true;
}

std::optional<Thread> wanted_thread(Facts &facts, const Arguments &arguments, Output &output) {
  Session &session = facts.session();
  if (arguments.words().empty()) {
    auto selected = session.thread();
    if (!selected) output.error("No thread is selected");
    return selected;
  }
  const auto address = session.evaluate(arguments.words().front());
  if (!address) {
    output.error(address.error().text);
    return std::nullopt;
  }
  if (const Thread *found = facts.find(*address)) return *found;
  auto thread = session.target().thread_at(*address);
  output.error(thread ? fmt::format("WARNING: {} is on no process's list of threads", hex16(*address))
                      : fmt::format("{} cannot be read: it is no thread", hex16(*address)));
  return thread;
}

bool one_thread(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const auto thread = wanted_thread(facts, arguments, output);
  if (!thread) return false;
  session.select_thread(thread->address);
  show_thread(facts, *thread, output);
  return true;
}

bool windbg_thread(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const auto thread = wanted_thread(facts, arguments, output);
  if (thread) show_windbg_thread(facts, *thread, true, output);
  return thread.has_value();
}

bool list_threads(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const auto reason = arguments.take_value("-wr"), state = arguments.take_value("-s"),
             function = arguments.take_value("-wf");
  const bool blocked = arguments.take_option("-bk");
  std::optional<Address> process;
  if (!arguments.words().empty()) {
    const auto value = session.evaluate(arguments.words().front());
    if (!value) return fail(output, value.error().text);
    process = *value;
  }
  std::vector<Column> columns{{"Process", "process"},   {"PID", "pid", Align::kRight},
                              {"Thread", "thread"},     {"Id", "id", Align::kRight},
                              {"State", "state"},       {"Time", "wait_seconds", Align::kRight},
                              {"Reason", "wait_reason"}};
  if (blocked) columns.push_back({"Waiting On", "waiting_on"});
  if (function) columns.push_back({"Wait Function", "wait_function"});
  Table table("threads", columns);
  for (const Thread &thread : facts.threads()) {
    const bool waits = thread.state == kStateWaiting;
    const std::string state_text = thread_state_name(thread.state);
    const std::string reason_text = waits ? wait_reason_name(thread.wait_reason) : "";
    if (process && thread.process.address != *process) continue;
    if (reason && !matches(*reason, reason_text)) continue;
    if (state && !matches(*state, state_text)) continue;
    if (blocked && !facts.blocking_owner(thread)) continue;
    const std::string wait_function = function ? facts.wait_function(thread) : "";
    if (function && !matches_part(*function, wait_function)) continue;
    std::vector<Cell> row{thread.process.name,
                          {fmt::format("{:x}", thread.process.id), thread.process.id},
                          address_cell(thread.address),
                          {fmt::format("{:x}", thread.id), thread.id},
                          state_text,
                          duration_cell(facts.waited(thread)),
                          reason_text};
    if (blocked) row.emplace_back(facts.waiting_on(thread));
    if (function) row.emplace_back(wait_function);
    table.add(std::move(row));
  }
  output.table(table);
  tell_problems(session.target().threads().problems, output);
  output.value("count", table.size(), fmt::format("Thread Count: {}", table.size()));
  return true;
}

bool threads_of_reason(Session &session, Arguments &arguments, Output &output) {
  const auto reason = wait_reason_number(arguments.name().substr(1));
  if (!reason) return fail(output, fmt::format("There is no wait reason {}", arguments.name().substr(1)));
  Facts facts(session);
  std::vector<Thread> waiting;
  for (const Thread &thread : facts.threads()) {
    if (thread.state == kStateWaiting && thread.wait_reason == *reason) waiting.push_back(thread);
  }
  if (!waiting.empty()) show_waiting_threads(facts, waiting, {}, output);
  tell_problems(session.target().threads().problems, output);
  output.value("count", waiting.size(), fmt::format("Count: {}", waiting.size()));
  return true;
}

constexpr Command kMexThreadCommands[] = {
    {"!us !uniquestacks", "[TEXT]", "Threads by their stacks; only those in which TEXT occurs", unique_stacks},
    {"!t", "[ADDRESS]", "Selects a thread: what it waits for, and its stack", one_thread},
    {"!thread", "[ADDRESS]", "The same, as WinDbg tells it", windbg_thread},
    {"!lt !listthreads", "[-wr REASON] [-s STATE] [-bk] [-wf FUNCTION] [PROCESS]",
     "The threads; -bk: only those that wait for what another has; -wf: by the function that waits", list_threads},
    {"!WrFastMutex !WrGuardedMutex !WrPushLock !WrResource !WrMutex !WrQueue !WrExecutive !WrUserRequest !Executive "
     "!UserRequest !DelayExecution !WrDelayExecution !Suspended !WrSuspended !FreePage !PageIn !PoolAllocation "
     "!WrFreePage !WrPageIn !WrPoolAllocation !WrSpare0 !WrLpcReceive !WrLpcReply !WrVirtualMemory !WrPageOut "
     "!WrRendezvous !WrKeyedEvent !WrTerminated !WrProcessInSwap !WrCpuRateControl !WrCalloutStack !WrKernel "
     "!WrQuantumEnd !WrDispatchInt !WrPreempted !WrYieldExecution !WrRundown !WrAlertByThreadId !WrDeferredPreempt "
     "!WrPhysicalFault",
     "", "The threads that wait for the reason that the command is called by, and who has what they wait for",
     threads_of_reason},
};

}  // namespace

std::span<const Command> mex_thread_commands() { return kMexThreadCommands; }

}  // namespace ntemu::debug
