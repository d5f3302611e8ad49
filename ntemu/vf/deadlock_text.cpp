#include <fmt/format.h>
#include <string_view>

#include <algorithm>
#include <map>
#include <set>

#include "ntemu/ldr/image.h"
#include "ntemu/vf/lock_order.h"

namespace ntemu::vf {
namespace {

std::string counted(size_t count, const char *what) {
  const char *ending = count == 1 ? "" : std::string_view(what).ends_with("s") ? "es" : "s";
  return fmt::format("{} {}{}", count, what, ending);
}

// A, B, ... Z, AA, AB, ...
std::string letters(size_t index) {
  std::string name(1, static_cast<char>('A' + index % 26));
  return index < 26 ? name : letters(index / 26 - 1) + name;
}

std::string address(const void *value) { return fmt::format("{:016x}", reinterpret_cast<uintptr_t>(value)); }

std::string routine(const CycleThread &thread) {
  if (!thread.start) return "host";
  std::string name = ldr::symbolize(thread.start);
  if (name.ends_with("+0x0")) name.resize(name.size() - 4);
  return name;
}

// The locks of a cycle in the order in which its threads have them: thread I has lock I, and waits for that of the
// next.
struct Names {
  explicit Names(const Cycle &cycle) {
    for (const CycleThread &thread : cycle) {
      if (std::string_view(thread.wants.type) == kEventType) events.insert(thread.wants.lock);
      if (of.try_emplace(thread.has.lock, letters(in_order.size())).second) in_order.push_back(thread.has.lock);
    }
  }
  std::map<const void *, std::string> of;
  std::vector<const void *> in_order;
  std::set<const void *> events;
};

const CycleThread &waiter_for(const Cycle &cycle, const void *lock) {
  return *std::find_if(cycle.begin(), cycle.end(), [&](const auto &each) { return each.wants.lock == lock; });
}

std::string node(const void *value) { return fmt::format("\"{:x}\"", reinterpret_cast<uintptr_t>(value)); }

std::string label(std::string text) {
  std::replace(text.begin(), text.end(), '"', '\'');
  return fmt::format("label=\"{}\"", text);
}

void add_frames(const std::vector<const void *> &stack, std::vector<std::string> &lines) {
  for (size_t i = 1; i < stack.size(); ++i) lines.push_back("    called from " + describe_site(stack[i]));
}

std::string place(const void *site) { return site ? describe_site(site) : "a place that is not known"; }

// What it has and what it wants, `wants` being the word for that.
void add_thread(const CycleThread &thread, size_t index, const Names &names, const char *wants,
                std::vector<std::string> &lines) {
  lines.push_back(fmt::format("Thread {} is {} ({})", index, thread.id, routine(thread)));
  const std::string &has = names.of.at(thread.has.lock);
  if (thread.has.lock == thread.thread) {
    lines.push_back(fmt::format("  is {} itself, whose end is waited for", has));
  } else if (names.events.contains(thread.has.lock)) {
    lines.push_back(fmt::format("  has set {} before, at {}", has, place(thread.has.site)));
  } else {
    lines.push_back(fmt::format("  acquired {} at {}", has, place(thread.has.site)));
  }
  add_frames(thread.has_stack, lines);
  lines.push_back(fmt::format("  {} {} at {}", wants, names.of.at(thread.wants.lock), place(thread.wants.site)));
  add_frames(thread.wants_stack, lines);
}

std::vector<std::string> describe_cycle(const Cycle &cycle, const char *title, const char *what, const char *wants) {
  const Names names(cycle);
  std::vector<std::string> lines{
      fmt::format("{} ({} in {}):", title, counted(names.in_order.size(), what), counted(cycle.size(), "thread"))};
  for (size_t i = 0; i < cycle.size(); ++i) {
    lines.push_back(
        fmt::format("Thread {}: {} {}", i, names.of.at(cycle[i].has.lock), names.of.at(cycle[i].wants.lock)));
  }
  lines.emplace_back("Where:");
  for (size_t i = 0; i < cycle.size(); ++i) lines.push_back(fmt::format("Thread {} = {}", i, address(cycle[i].thread)));
  for (const void *lock : names.in_order) {
    lines.push_back(
        fmt::format("Lock {} = {} Type '{}'", names.of.at(lock), address(lock), waiter_for(cycle, lock).wants.type));
  }
  for (size_t i = 0; i < cycle.size(); ++i) add_thread(cycle[i], i, names, wants, lines);
  return lines;
}

}  // namespace

std::vector<std::string> describe(const Cycle &cycle) {
  return describe_cycle(cycle, is_certain(cycle) ? "Deadlock detected" : "Possible deadlock", "resource", "waits for");
}

std::vector<std::string> describe(const Inversion &inversion) {
  if (!inversion.by_class) return describe_cycle(inversion.cycle, "Deadlock detected", "resource", "then acquired");
  std::vector<std::string> lines = describe_cycle(inversion.cycle, "Possible deadlock", "class", "then acquired");
  const Names names(inversion.cycle);
  for (const void *lock : names.in_order)
    lines.push_back(fmt::format("Locks {} are those of {}", names.of.at(lock), describe_site(lock)));
  return lines;
}

std::string to_dot(const std::vector<Cycle> &cycles) {
  std::string text = "digraph deadlocks {\n";
  for (const Cycle &cycle : cycles) {
    for (const CycleThread &thread : cycle) {
      text += fmt::format("  {} [shape=box {}];\n", node(thread.thread),
                          label(fmt::format("thread {}\\n{}", thread.id, routine(thread))));
      if (thread.has.lock != thread.thread) {
        text += fmt::format(
            "  {} [shape=ellipse {}];\n", node(thread.has.lock),
            label(fmt::format("{}\\n{}", waiter_for(cycle, thread.has.lock).wants.type, address(thread.has.lock))));
        text += fmt::format("  {} -> {} [{}];\n", node(thread.has.lock), node(thread.thread),
                            label("held since " + (thread.has.site ? describe_site(thread.has.site) : "?")));
      }
      text += fmt::format("  {} -> {} [{}];\n", node(thread.thread), node(thread.wants.lock),
                          label("waits at " + describe_site(thread.wants.site)));
    }
  }
  return text + "}\n";
}

}  // namespace ntemu::vf
