// !mex.tl, !mex.p and !process: the machine's processes.
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>
#include <fstream>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/object_view.h"
#include "tools/kd/commands/pool_view.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

std::string both_numbers(uint64_t id) { return fmt::format("0x{:x}", id); }

// How many threads of a process are in which state.
struct Counts {
  size_t running = 0, ready = 0, blocked = 0, lpc = 0, io = 0, resource = 0;
};

Counts count_threads(Facts &facts, const Process &process) {
  Counts counts;
  for (const Thread &thread : facts.threads()) {
    if (thread.process.address != process.address) continue;
    const std::string reason = wait_reason_name(thread.wait_reason);
    counts.running += thread.state == kStateRunning;
    counts.ready += thread.state == kStateReady;
    if (thread.state != kStateWaiting) continue;
    counts.blocked += facts.blocking_owner(thread) != 0;
    counts.lpc += reason == "WrLpcReceive" || reason == "WrLpcReply";
    counts.io += facts.memory().pointer(thread.address + 0x500).value_or(0) != thread.address + 0x500;
    counts.resource += thread.wait_reason == kReasonResource;
  }
  return counts;
}

Cell count_cell(size_t count) { return {count ? fmt::format("{}", count) : ".", count}; }

bool task_list(Session &session, Arguments &arguments, Output &output) {
  const bool totals = arguments.take_option("-t");
  const std::string filter = arguments.words().empty() ? "" : arguments.words().front();
  Facts facts(session);
  std::vector<Process> shown;
  size_t widest = 0;
  for (const Process &process : session.target().processes().found) {
    if (!filter.empty() && !matches_part(filter, process.name)) continue;
    widest = std::max(widest, both_numbers(process.id).size());
    shown.push_back(process);
  }
  std::vector<Column> columns{{"PID", "pid"}, {"Address", "address"}, {"Name", "name"}};
  for (const char *title : {"!!", "Rn", "Ry", "Bk", "Lc", "IO", "Er"}) {
    if (totals) columns.push_back({title, title, Align::kRight});
  }
  Table table("processes", columns, {.again = true});
  for (const Process &process : shown) {
    std::vector<Cell> row{{fmt::format("{:<{}} 0n{}", both_numbers(process.id), widest, process.id), process.id},
                          address_cell(process.address),
                          process.name};
    if (totals) {
      const Counts counts = count_threads(facts, process);
      for (const size_t count : {size_t{counts.blocked + counts.ready > 0}, counts.running, counts.ready,
                                 counts.blocked, counts.lpc, counts.io, counts.resource})
        row.push_back(count_cell(count));
    }
    table.add(std::move(row));
  }
  output.table(table);
  tell_problems(session.target().processes().problems, output);
  return true;
}

std::string bytes_text(uint64_t bytes) {
  constexpr const char *kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " " + kUnits[unit];
}

// Of /proc/PID/status, in bytes; nothing in a dump.
std::optional<uint64_t> host_memory(Target &target, std::string_view name) {
  if (!target.live()) return std::nullopt;
  std::ifstream status(fmt::format("/proc/{}/status", target.process()));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) << 10;
  }
  return std::nullopt;
}

// Whose the process is on the host, in the form of Windows; a dump does not have it.
std::string user_name(Target &target) {
  struct stat status;
  char host[HOST_NAME_MAX + 1]{};
  if (!target.live() || stat(fmt::format("/proc/{}", target.process()).c_str(), &status) != 0) return "Not Found";
  const passwd *user = getpwuid(status.st_uid);
  gethostname(host, HOST_NAME_MAX);
  return fmt::format("{}\\{}", host, user ? user->pw_name : std::to_string(status.st_uid));
}

Cell size_cell(std::optional<uint64_t> bytes) {
  return bytes ? Cell(bytes_text(*bytes), *bytes) : Cell("-", nlohmann::json("unknown"));
}

void show_memory(Session &session, Output &output) {
  Target &target = session.target();
  Table table("memory",
              {{"VM", "virtual"},
               {"Peak", "peak"},
               {"Commit Size", "commit", Align::kRight},
               {"NPP Quota", "nonpaged_pool", Align::kRight}},
              {.indent = "    "});
  std::optional<uint64_t> nonpaged;
  if (const auto rows = pool_tags(session); rows.problems.empty()) {
    nonpaged = 0;
    for (const PoolTag &row : rows.found) *nonpaged += row.nonpaged_bytes;
  }
  table.add({size_cell(host_memory(target, "VmSize")), size_cell(host_memory(target, "VmPeak")),
             size_cell(host_memory(target, "VmData")), size_cell(nonpaged)});
  output.text("");
  output.text("Memory Details:");
  output.text("");
  output.table(table);
}

std::string create_time(int64_t nt) {
  constexpr int64_t kPerSecond = 10'000'000, kUnixEpoch = 11'644'473'600;
  const time_t seconds = nt / kPerSecond - kUnixEpoch;
  tm parts{};
  if (nt <= 0 || !localtime_r(&seconds, &parts)) return "";
  char date[32], half[8];
  std::strftime(date, sizeof date, "%m/%d/%Y %I:%M:%S", &parts);
  std::strftime(half, sizeof half, "%p", &parts);
  return fmt::format("{}.{:03} {}", date, nt / 10'000 % 1000, half);
}

std::optional<Process> wanted_process(Session &session, Arguments &arguments, Output &output) {
  const auto &all = session.target().processes();
  tell_problems(all.problems, output);
  if (arguments.words().empty()) {
    const auto selected = session.thread();
    if (selected) return selected->process;
    if (!all.found.empty()) return all.found.front();
    output.error("There is no process");
    return std::nullopt;
  }
  const auto value = session.evaluate(arguments.words().front());
  if (!value) {
    output.error(value.error().text);
    return std::nullopt;
  }
  for (const Process &process : all.found) {
    if (process.address == *value || process.id == *value) return process;
  }
  output.error(fmt::format("There is no process at {}, nor one with that id", hex16(*value)));
  return std::nullopt;
}

struct ProcessFacts {
  int64_t created = 0;
  uint64_t threads = 0;
  size_t handles = 0;
};

ProcessFacts facts_of(Session &session, const Process &process) {
  ProcessFacts facts;
  facts.created =
      static_cast<int64_t>(session.types().value(process.address, "_EPROCESS.CreateTime.QuadPart").value_or(0));
  const auto &all = session.target().threads().found;
  facts.threads = static_cast<uint64_t>(std::count_if(
      all.begin(), all.end(), [&](const Thread &thread) { return thread.process.address == process.address; }));
  facts.handles = open_handles(session).found.size();
  return facts;
}

bool one_process(Session &session, Arguments &arguments, Output &output) {
  const auto process = wanted_process(session, arguments, output);
  if (!process) return false;
  const ProcessFacts facts = facts_of(session, *process);
  Table table("processes", {{"Name", "name"},
                            {"Address", "address"},
                            {"Ses", "session", Align::kRight},
                            {"PID", "pid"},
                            {"Parent", "parent"},
                            {"PEB", "peb"},
                            {"Create Time", "created"},
                            {"Mods", "modules", Align::kRight},
                            {"Handle", "handles", Align::kRight},
                            {"Thrd", "threads", Align::kRight},
                            {"User Name", "user"}});
  const size_t handles = facts.handles;
  table.add({process->name,
             {hex16(process->address) + " (E|K|O)", hex16(process->address)},
             {"0", 0},
             {fmt::format("{:x} (0n{})", process->id, process->id), process->id},
             {"0 (0n0)", 0},
             hex16(0),
             create_time(facts.created),
             {"0", 0},
             {fmt::format("{}", handles), handles},
             {fmt::format("{}", facts.threads), facts.threads},
             user_name(session.target())});
  output.table(table);
  show_memory(session, output);
  output.text("");
  output.text(fmt::format("Show Threads: Unique Stacks    !mex.listthreads (!lt) {}    !process {} 7",
                          hex16(process->address), hex16(process->address)));
  return true;
}

void process_summary(Session &session, const Process &process, Output &output) {
  const ProcessFacts facts = facts_of(session, process);
  Object object(output, "processes");
  output.value("address", hex16(process.address), fmt::format("PROCESS {}", hex16(process.address)));
  output.value("pid", process.id,
               fmt::format("    SessionId: none  Cid: {:04x}    Peb: 00000000  ParentCid: 0000", process.id));
  output.value("handles", facts.handles,
               fmt::format("    DirBase: 00000000  ObjectTable: 00000000  HandleCount: {}.", facts.handles));
  output.value("name", process.name, fmt::format("    Image: {}", process.name));
}

// !process [0|ADDRESS|-1] [FLAGS]: 2 shows the threads and what they wait for, 4 with their stacks.
bool windbg_process(Session &session, Arguments &arguments, Output &output) {
  const std::vector<std::string> words = arguments.words();
  unsigned flags = 3;
  if (words.size() > 1) {
    const auto value = session.evaluate(words[1]);
    if (!value) return fail(output, value.error().text);
    flags = static_cast<unsigned>(*value);
  }
  std::vector<Process> shown;
  if (!words.empty() && words[0] == "0") {
    shown = session.target().processes().found;
    tell_problems(session.target().processes().problems, output);
    if (words.size() == 1) flags = 0;
    output.text("**** NT ACTIVE PROCESS DUMP ****");
  } else {
    if (!words.empty() && words[0] == "-1") arguments = Arguments("", "");
    const auto process = wanted_process(session, arguments, output);
    if (!process) return false;
    shown.push_back(*process);
  }
  Facts facts(session);
  for (const Process &process : shown) {
    process_summary(session, process, output);
    output.text("");
    if (!(flags & 6)) continue;
    for (const Thread &thread : facts.threads()) {
      if (thread.process.address != process.address) continue;
      Object object(output, "details");
      show_windbg_thread(facts, thread, (flags & 4) != 0, output);
      output.text("");
    }
  }
  return true;
}

constexpr Command kMexProcessCommands[] = {
    {"!tl !tasklist", "[-t] [NAME]", "The processes; -t: with the number of threads in each state", task_list},
    {"!p", "[ADDRESS]", "A process", one_process},
    {"!process", "[ADDRESS|PID|0|-1] [FLAGS]", "A process and its threads; 0 0: all, 7: with stacks", windbg_process},
};

}  // namespace

std::span<const Command> mex_process_commands() { return kMexProcessCommands; }

}  // namespace ntemu::debug
