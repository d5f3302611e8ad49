// !locks, !pushlock and !deadlock: who has which lock, and who waits for whom.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

constexpr size_t kMostOwners = 4096, kMostWaiters = 4096;
// OWNER_ENTRY: the thread, whose low bits may be set for an owner pointer, and a count above three bits.
constexpr uint64_t kOwnerEntrySize = 0x10, kOwnerBits = 3;
constexpr unsigned kOwnerCountShift = 3;
// What begins on the stack of a thread that waits for a resource, and for a push lock.
constexpr uint64_t kWaiterNext = 0x18, kWaiterThread = 0x28;
constexpr uint64_t kPushThread = 0x18, kPushNext = 0x20, kPushReaders = 0x30, kPushExclusive = 0x38;

struct Owner {
  Address thread = 0;
  uint32_t count = 0;
};

struct Resource {
  Address address = 0;
  bool exclusive = false;
  uint32_t contention = 0, shared_waiters = 0, exclusive_waiters = 0;
  std::vector<Owner> owners;
  std::vector<Address> waiting_shared, waiting_exclusive;
};

std::vector<Address> waiters_in(Memory &memory, Address list, uint32_t most) {
  std::vector<Address> found;
  for (auto at = memory.pointer(list); at && *at && found.size() < std::min<size_t>(most, kMostWaiters);
       at = memory.pointer(*at + kWaiterNext)) {
    if (const auto thread = memory.pointer(*at + kWaiterThread)) found.push_back(*thread);
  }
  return found;
}

std::optional<Resource> read_resource(Memory &memory, Address address) {
  const auto flag = memory.get<uint16_t>(address + kResourceFlag);
  const auto contention = memory.get<uint32_t>(address + kContention);
  const auto shared = memory.get<uint32_t>(address + kSharedWaiterCount);
  const auto exclusive = memory.get<uint32_t>(address + kExclusiveWaiterCount);
  const auto active = memory.get<uint32_t>(address + kActiveEntries);
  if (!flag || !contention || !shared || !exclusive || !active) return std::nullopt;
  Resource resource{address, (*flag & kOwnedExclusive) != 0, *contention, *shared, *exclusive, {}, {}, {}};
  const auto add = [&](Address entry) {
    const auto thread = memory.pointer(entry);
    const auto count = memory.get<uint32_t>(entry + sizeof(Address));
    if (thread && count && *thread && *count >> kOwnerCountShift)
      resource.owners.push_back({*thread, *count >> kOwnerCountShift});
  };
  add(address + kOwnerEntry);
  // The table's first entry has its size.
  const auto table = memory.pointer(address + kOwnerTable);
  const uint32_t size = table && *table ? memory.get<uint32_t>(*table + sizeof(Address)).value_or(0) : 0;
  for (uint32_t i = 1; i < std::min<size_t>(size, kMostOwners); ++i) add(*table + i * kOwnerEntrySize);
  resource.waiting_shared = waiters_in(memory, address + kSharedWaiters, *shared);
  resource.waiting_exclusive = waiters_in(memory, address + kExclusiveWaiters, *exclusive);
  return resource;
}

std::string place_of(Session &session, Address address) {
  const Place place = session.symbols().place(address);
  return place.module ? fmt::format("{} (0x{})", place.text(address), hex16(address))
                      : fmt::format("0x{}", hex16(address));
}

void tell_waiting(const std::vector<Address> &threads, std::string_view how, std::string_view key, Output &output) {
  if (threads.empty()) return;
  std::string line;
  auto list = nlohmann::json::array();
  for (const Address thread : threads) {
    line += hex16(thread) + "       ";
    list.push_back(hex16(thread));
  }
  output.text(fmt::format("     Threads Waiting On {} Access:", how));
  output.value(key, list, "              " + line);
}

void show_resource(Facts &facts, const Resource &resource, Output &output) {
  Object row(output, "resources");
  std::string state = "    Available";
  if (resource.exclusive) {
    state = "    Exclusively owned";
  } else if (!resource.owners.empty()) {
    state = fmt::format("    Shared {} owning threads", resource.owners.size());
  }
  output.value("address", hex16(resource.address), "");
  output.value("exclusive", resource.exclusive,
               fmt::format("Resource @ {}{}", place_of(facts.session(), resource.address), state));
  output.value("contention", resource.contention,
               resource.contention ? fmt::format("    Contention Count = {}", resource.contention) : "");
  output.value("shared_waiter_count", resource.shared_waiters,
               resource.shared_waiters ? fmt::format("    NumberOfSharedWaiters = {}", resource.shared_waiters) : "");
  output.value(
      "exclusive_waiter_count", resource.exclusive_waiters,
      resource.exclusive_waiters ? fmt::format("    NumberOfExclusiveWaiters = {}", resource.exclusive_waiters) : "");
  std::string line;
  auto owners = nlohmann::json::array();
  for (const Owner &owner : resource.owners) {
    line += fmt::format("{}-{:02x}<*> ", hex16(owner.thread), owner.count);
    owners.push_back({{"thread", hex16(owner.thread)}, {"count", owner.count}});
    if ((owner.thread & kOwnerBits) == kOwnerBits)
      line += fmt::format("*** Actual Thread {} ", hex16(owner.thread & ~kOwnerBits));
  }
  output.value("owners", owners, owners.empty() ? "" : "     Threads: " + line);
  tell_waiting(resource.waiting_shared, "Shared", "waiting_shared", output);
  tell_waiting(resource.waiting_exclusive, "Exclusive", "waiting_exclusive", output);
}

bool show_resources(Session &session, Arguments &arguments, Output &output) {
  const bool all = arguments.take_option("-v");
  Facts facts(session);
  if (!arguments.words().empty()) {
    const auto address = session.evaluate(arguments.words().front());
    if (!address) return fail(output, address.error().text);
    const auto resource = read_resource(session.memory(), *address);
    if (!resource) return fail(output, fmt::format("{} cannot be read", hex16(*address)));
    output.text("");
    show_resource(facts, *resource, output);
    return true;
  }
  const auto head = reinterpret_cast<Address>(session.target().data().ExpSystemResourcesList);
  const auto list = walk_list(session.memory(), head, "ExpSystemResourcesList");
  output.text("**** DUMP OF ALL RESOURCE OBJECTS ****");
  output.text("KD: Scanning for held locks.");
  size_t held = 0;
  for (const Address address : list.found) {
    const auto resource = read_resource(session.memory(), address);
    if (!resource) {
      output.error(fmt::format("Resource @ 0x{} cannot be read", hex16(address)));
      continue;
    }
    held += !resource->owners.empty();
    if (resource->owners.empty() && !all) continue;
    output.text("");
    show_resource(facts, *resource, output);
  }
  tell_problems(list.problems, output);
  output.value("held", held, "");
  output.value("total", list.found.size(),
               fmt::format("{} total locks, {} locks currently held", list.found.size(), held));
  return true;
}

bool show_push_lock(Session &session, Arguments &arguments, Output &output) {
  if (arguments.words().empty()) return fail(output, "!pushlock needs an address");
  const auto address = session.evaluate(arguments.words().front());
  if (!address) return fail(output, address.error().text);
  Memory &memory = session.memory();
  const auto value = memory.pointer(*address);
  if (!value) return fail(output, fmt::format("{} cannot be read", hex16(*address)));
  const bool locked = *value & 1, waiting = *value & 2;
  Facts facts(session);
  std::vector<std::pair<Address, bool>> queue;
  uint64_t readers = *value >> 4;
  if (waiting) {
    Address block = *value & ~uint64_t{15};
    readers = memory.pointer(block + kPushReaders).value_or(0);
    while (block && queue.size() < kMostWaiters) {
      const auto thread = memory.pointer(block + kPushThread);
      const auto next = memory.pointer(block + kPushNext);
      if (!thread || !next) {
        output.error(fmt::format("the wait block at {} cannot be read", hex16(block)));
        break;
      }
      queue.emplace_back(*thread, memory.get<uint8_t>(block + kPushExclusive).value_or(0) != 0);
      block = *next;
    }
  }
  std::string state = "Free";
  if (locked)
    state = readers ? fmt::format("Shared, {} owner{}", readers, readers == 1 ? "" : "s") : "Exclusively owned";
  output.value("value", hex16(*value), "");
  output.value("state",
               !locked   ? "free"
               : readers ? "shared"
                         : "exclusive",
               fmt::format("Push lock @ {}    {}", place_of(session, *address), state));
  output.value("readers", locked ? readers : 0, "");
  output.text(fmt::format("    Value = 0x{}  Locked:{} Waiting:{} Waking:{} MultipleShared:{}", hex16(*value),
                          *value & 1, *value >> 1 & 1, *value >> 2 & 1, *value >> 3 & 1));
  for (const LockUse &use : facts.holders(*address)) {
    Object row(output, "owners");
    output.value("thread", hex16(use.thread), "");
    output.value(
        "site", session.symbols().name(use.site, true),
        fmt::format("     Owner: {}  acquired at {}", hex16(use.thread), session.symbols().name(use.site, true)));
  }
  for (const auto &[thread, exclusive] : queue) {
    Object row(output, "queue");
    output.value("thread", hex16(thread), "");
    output.value("exclusive", exclusive,
                 fmt::format("     Waiter: {}  {}", hex16(thread), exclusive ? "exclusive" : "shared"));
  }
  return true;
}

// Who waits for what, owned by whom.
struct Edge {
  const Thread *thread = nullptr;
  Address owner = 0, lock = 0;
  std::string type;
  Address wanted_at = 0, held_at = 0;  // where the lock was asked for, and taken
};

class WaitGraph {
 public:
  explicit WaitGraph(Facts &facts) : facts_(facts) {
    for (const Thread &thread : facts.threads()) add(thread);
  }

  const std::vector<Edge> &edges() const { return edges_; }

  std::vector<std::vector<const Edge *>> cycles() const {
    std::unordered_map<Address, std::vector<const Edge *>> from;
    for (const Edge &edge : edges_) from[edge.thread->address].push_back(&edge);
    std::vector<std::vector<const Edge *>> found;
    std::unordered_set<Address> done;
    for (const Edge &start : edges_) {
      std::vector<const Edge *> path;
      search(from, start.thread->address, path, done, found);
    }
    return found;
  }

 private:
  using Out = std::unordered_map<Address, std::vector<const Edge *>>;

  // Depth first; a thread that has been left leads to no cycle that is not found yet.
  static void search(const Out &from, Address thread, std::vector<const Edge *> &path,
                     std::unordered_set<Address> &done, std::vector<std::vector<const Edge *>> &found) {
    const auto again =
        std::find_if(path.begin(), path.end(), [&](const Edge *edge) { return edge->thread->address == thread; });
    if (again != path.end()) {
      found.emplace_back(again, path.end());
      return;
    }
    if (done.contains(thread)) return;
    if (const auto out = from.find(thread); out != from.end()) {
      for (const Edge *edge : out->second) {
        path.push_back(edge);
        search(from, edge->owner, path, done, found);
        path.pop_back();
      }
    }
    done.insert(thread);
  }

  void add(const Thread &thread) {
    if (thread.state != kStateWaiting && !facts_.wanted_lock(thread.address)) return;
    if (const auto wanted = facts_.wanted_lock(thread.address)) {
      const auto holders = facts_.holders(wanted->lock);
      for (const LockUse &use : holders)
        edges_.push_back({&thread, use.thread, wanted->lock, lock_kind_name(wanted->kind), wanted->site, use.site});
      if (!holders.empty()) return;
      if (const Address owner = facts_.blocking_owner(thread))
        edges_.push_back({&thread, owner, wanted->lock, lock_kind_name(wanted->kind), wanted->site, 0});
      return;
    }
    for (const WaitBlock &block : facts_.wait_blocks(thread)) {
      const Waitable object = facts_.waitable(block.object);
      Address owner = 0;
      if (object.name == "Mutant") owner = facts_.memory().pointer(block.object + kMutantOwner).value_or(0);
      if (object.name == "Thread") owner = block.object;
      if (!owner) continue;
      Address held_at = 0;
      for (const LockUse &use : facts_.holders(block.object)) held_at = use.thread == owner ? use.site : held_at;
      edges_.push_back({&thread, owner, block.object, object.name, 0, held_at});
    }
  }

  Facts &facts_;
  std::vector<Edge> edges_;
};

std::string title_of(Facts &facts, Address thread) {
  const auto start = facts.memory().pointer(thread + kStartAddress);
  return start && *start ? facts.session().symbols().name(*start) : "";
}

void show_edge(Facts &facts, const Edge &edge, Output &output) {
  Symbols &symbols = facts.session().symbols();
  Object row(output, "threads");
  output.value("thread", hex16(edge.thread->address), "");
  output.value("lock", hex16(edge.lock), "");
  output.value("type", edge.type, "");
  output.value("owner", hex16(edge.owner),
               fmt::format("    Thread {} ({}) waits for {} {}, owned by {}", hex16(edge.thread->address),
                           title_of(facts, edge.thread->address), edge.type, hex16(edge.lock), hex16(edge.owner)));
  std::string wanted = edge.wanted_at ? symbols.name(edge.wanted_at, true) : facts.wait_function(*edge.thread);
  output.value("wanted_at", wanted, wanted.empty() ? "" : "        asked for at " + wanted);
  if (edge.held_at) {
    const std::string held = symbols.name(edge.held_at, true);
    output.value("held_at", held, "        taken at " + held);
  }
}

std::string to_dot(Facts &facts, const std::vector<Edge> &edges) {
  std::string text = "digraph waits {\n";
  std::unordered_set<Address> told;
  const auto node = [&](Address thread) {
    if (told.insert(thread).second)
      text += fmt::format("  \"{}\" [label=\"{}\\n{}\"];\n", hex16(thread), hex16(thread), title_of(facts, thread));
  };
  for (const Edge &edge : edges) {
    node(edge.thread->address);
    node(edge.owner);
    text += fmt::format("  \"{}\" -> \"{}\" [label=\"{} {}\"];\n", hex16(edge.thread->address), hex16(edge.owner),
                        edge.type, hex16(edge.lock));
  }
  return text + "}";
}

bool show_deadlocks(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const WaitGraph graph(facts);
  if (arguments.take_option("--dot")) {
    const std::string dot = to_dot(facts, graph.edges());
    output.value("dot", dot, dot);
    return true;
  }
  const auto cycles = graph.cycles();
  for (const auto &cycle : cycles) {
    Object object(output, "cycles");
    output.text(fmt::format("Deadlock detected ({} resource{} in {} thread{}):", cycle.size(),
                            cycle.size() == 1 ? "" : "s", cycle.size(), cycle.size() == 1 ? "" : "s"));
    for (const Edge *edge : cycle) show_edge(facts, *edge, output);
    output.text("");
  }
  std::unordered_set<const Edge *> in_cycle;
  for (const auto &cycle : cycles) in_cycle.insert(cycle.begin(), cycle.end());
  const bool others = std::any_of(graph.edges().begin(), graph.edges().end(),
                                  [&](const Edge &edge) { return !in_cycle.contains(&edge); });
  if (cycles.empty()) output.text("No deadlock detected: no threads wait for each other.");
  if (others) output.text("Waits for what another thread has:");
  for (const Edge &edge : graph.edges()) {
    if (in_cycle.contains(&edge)) continue;
    Object object(output, "waits");
    show_edge(facts, edge, output);
  }
  tell_problems(session.target().threads().problems, output);
  return true;
}

constexpr Command kLockCommands[] = {
    {"!locks", "[-v] [ADDRESS]", "The resources (ERESOURCE) that are held; -v: all of them", show_resources},
    {"!pushlock", "ADDRESS", "A push lock: its owners, and who waits", show_push_lock},
    {"!deadlock", "[--dot]", "Who waits for what that another thread has, and which waits are a cycle", show_deadlocks},
};

}  // namespace

std::span<const Command> lock_commands() { return kLockCommands; }

}  // namespace ntemu::debug
