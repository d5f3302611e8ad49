// .thread, ~: which threads there are, and which one is looked at.
#include <fmt/format.h>

#include <charconv>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/layouts.h"

namespace ntemu::debug {
namespace {

bool select_thread(Session &session, Arguments &arguments, Output &output) {
  if (!arguments.words().empty()) {
    const auto address = session.evaluate(arguments.text());
    if (!address) return fail(output, address.error().text);
    if (*address && !session.target().thread_at(*address))
      return fail(output, fmt::format("Unable to read the thread at {}", ticked(*address)));
    if (*address) session.select_thread(*address);
  }
  const auto thread = session.thread();
  if (!thread) return fail(output, "There is no thread");
  output.value("thread", hex16(thread->address), fmt::format("Implicit thread is now {}", ticked(thread->address)));
  return true;
}

bool list_threads(Session &session, Output &output) {
  const auto selected = session.thread();
  Table table("threads",
              {{" ", "selected"},
               {"#", "number", Align::kRight},
               {"Thread", "thread"},
               {"Cid", "cid"},
               {"State", "state"},
               {"Reason", "reason"},
               {"Start", "start"},
               {"Host", "host_id", Align::kRight}},
              {.rule = false});
  size_t number = 0;
  for (const Thread &thread : session.target().threads().found) {
    const bool waits = thread.state == 5;
    const auto start = session.memory().pointer(thread.address + layout::kThreadStartAddress).value_or(0);
    table.add(
        {{selected && selected->address == thread.address ? "." : " ", selected && selected->address == thread.address},
         {fmt::format("{}", number), number},
         hex16(thread.address),
         fmt::format("{:x}.{:x}", thread.process.id, thread.id),
         thread_state_name(thread.state),
         waits ? wait_reason_name(thread.wait_reason) : "",
         start ? session.symbols().name(start) : "",
         {fmt::format("{}", thread.host_id), thread.host_id}});
    ++number;
  }
  output.table(table);
  for (const std::string &problem : session.target().threads().problems) output.error(problem);
  return true;
}

bool threads(Session &session, Arguments &arguments, Output &output) {
  std::string_view text = arguments.text();
  if (text.empty()) return list_threads(session, output);
  const auto &all = session.target().threads().found;
  const bool every = text[0] == '*';
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!every && (error != std::errc() || number >= all.size()))
    return fail(output, fmt::format("Illegal thread error in '~{}': there are {}", text, all.size()));
  std::string_view rest = every ? text.substr(1) : text.substr(static_cast<size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.empty()) return list_threads(session, output);
  if (!every && rest == "s") {
    session.select_thread(all[number].address);
    return true;
  }
  const auto before = session.thread();
  bool succeeded = true;
  for (const Thread &thread : every ? std::vector<Thread>(all) : std::vector<Thread>{all[number]}) {
    Object object(output, "threads");
    if (every) output.value("thread", hex16(thread.address), fmt::format("Thread {}", hex16(thread.address)));
    session.select_thread(thread.address);
    succeeded = run_within(session, rest, output) && succeeded;
  }
  if (before) session.select_thread(before->address);
  return succeeded;
}

constexpr Command kSelectionCommands[] = {
    {".thread", "[ADDRESS]", "Selects the thread at an address", select_thread},
    {"~", "[N|*] [s|COMMAND]", "The threads; ~2s selects one, ~*k runs a command for each", threads},
};

}  // namespace

std::span<const Command> selection_commands() { return kSelectionCommands; }

}  // namespace ntemu::debug
