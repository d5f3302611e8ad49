// !mex.ddt, !mex.mut, !mex.evt, !mex.sem and !mex.obj: types, and what threads wait for.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/object_view.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/commands/type_view.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

using namespace offsets;

constexpr unsigned kMostDirectories = 10;

unsigned take_depth(Arguments &arguments) {
  for (const std::string &word : arguments.words()) {
    if (!word.starts_with("-r")) continue;
    unsigned depth = kMostDirectories;
    std::from_chars(word.data() + 2, word.data() + word.size(), depth);
    const std::string option = word;
    arguments.take_option(option);
    return std::min(depth, kMostDirectories);
  }
  return 0;
}

bool describe_type(Session &session, Arguments &arguments, Output &output) {
  Facts facts(session);
  const unsigned depth = take_depth(arguments);
  if (arguments.words().empty()) return fail(output, "!ddt needs the name of a type: !ddt nt!_KTHREAD");
  std::optional<Address> object;
  if (arguments.words().size() > 1) {
    const auto address = session.evaluate(arguments.words()[1]);
    if (!address) return fail(output, address.error().text);
    object = *address;
  }
  return show_type(facts, arguments.words().front(), object, depth, output);
}

std::optional<Address> wanted_address(Session &session, const Arguments &arguments, Output &output) {
  if (arguments.words().empty()) {
    output.error(fmt::format("{} needs an address", arguments.name()));
    return std::nullopt;
  }
  const auto address = session.evaluate(arguments.words().front());
  if (!address) {
    output.error(address.error().text);
    return std::nullopt;
  }
  return *address;
}

// The threads that wait for an object or a lock: in the order of its list of waiters, then those that are on none.
std::vector<Thread> threads_waiting_for(Facts &facts, Address object, std::vector<std::string> &problems) {
  std::vector<Thread> waiting;
  const auto known = [&](Address thread) {
    return std::any_of(waiting.begin(), waiting.end(), [&](const Thread &one) { return one.address == thread; });
  };
  const Waitable waitable = facts.waitable(object);
  std::vector<Address> order;
  const auto waits = [&](const Thread &thread) {
    const auto wanted = facts.wanted_lock(thread.address);
    if (wanted && wanted->lock == object) return true;
    const auto blocks = facts.wait_blocks(thread);
    return std::any_of(blocks.begin(), blocks.end(), [&](const WaitBlock &block) { return block.object == object; });
  };
  std::vector<Thread> all;
  for (const Thread &thread : facts.threads()) {
    if (thread.state == kStateWaiting && waits(thread)) all.push_back(thread);
  }
  if (is_dispatcher_type(waitable.type)) {
    auto list = facts.waiters(object);
    problems = std::move(list.problems);
    for (const Address address : list.found) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const Thread &one) { return one.address == address; });
      if (at != all.end() && !known(address)) waiting.push_back(*at);
    }
    if (waiting.size() == all.size()) problems.clear();  // the list was of something else, or changed meanwhile
  }
  for (const Thread &thread : all) {
    if (!known(thread.address)) waiting.push_back(thread);
  }
  return waiting;
}

void tell_waiters(Facts &facts, Address object, Output &output) {
  std::vector<std::string> problems;
  const size_t count = threads_waiting_for(facts, object, problems).size();
  output.text("");
  output.text("");
  output.value("waiters", count, fmt::format("Number of waiters: {}", count));
  tell_problems(problems, output);
}

bool show_object(Facts &facts, std::string_view type, Address object, unsigned depth, Output &output) {
  if (!show_type(facts, type, object, depth, output)) return false;
  tell_waiters(facts, object, output);
  if (type != "nt!_KMUTANT") return true;
  const Address owner = facts.memory().pointer(object + kMutantOwner).value_or(0);
  output.value("owner", owner ? nlohmann::json(hex16(owner)) : nlohmann::json(),
               owner ? fmt::format("Owning Thread: {}", hex16(owner)) : "No owning thread");
  return true;
}

// The commands of one type each: an object of another one is told as such, and shown nevertheless.
bool show_of_type(Session &session, Arguments &arguments, Output &output) {
  struct Kind {
    std::string_view command, type, first, second;
  };
  static constexpr Kind kKinds[] = {{"!mut", "nt!_KMUTANT", "Mutant", "Mutant"},
                                    {"!evt", "nt!_KEVENT", "NotificationEvent", "SynchronizationEvent"},
                                    {"!sem", "nt!_KSEMAPHORE", "Semaphore", "Semaphore"}};
  const unsigned depth = take_depth(arguments);
  const auto address = wanted_address(session, arguments, output);
  if (!address) return false;
  std::string name = arguments.name();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  Facts facts(session);
  for (const Kind &kind : kKinds) {
    if (!name.starts_with(kind.command)) continue;
    const Waitable object = facts.waitable(*address);
    if (!object.signal_state) return fail(output, fmt::format("{} cannot be read", hex16(*address)));
    if (object.name != kind.first && object.name != kind.second)
      output.error(
          fmt::format("WARNING: the object at {} is no {}, but a {}", hex16(*address), kind.first, object.name));
    return show_object(facts, kind.type, *address, depth, output);
  }
  return false;
}

const char *type_of(const Waitable &object) {
  static constexpr const char *kTypes[] = {"nt!_KEVENT", "nt!_KEVENT",     "nt!_KMUTANT", "nt!_EPROCESS",
                                           "nt!_KQUEUE", "nt!_KSEMAPHORE", "nt!_ETHREAD", nullptr,
                                           "nt!_KTIMER", "nt!_KTIMER"};
  return object.type < std::size(kTypes) ? kTypes[object.type] : nullptr;
}

bool show_any(Session &session, Arguments &arguments, Output &output) {
  const bool waiters_only = arguments.take_option("-waiters");
  const unsigned depth = take_depth(arguments);
  const auto address = wanted_address(session, arguments, output);
  if (!address) return false;
  Facts facts(session);
  const Waitable object = facts.waitable(*address);
  if (!object.signal_state) return fail(output, fmt::format("{} cannot be read", hex16(*address)));
  if (waiters_only) {
    std::vector<std::string> problems;
    const auto waiting = threads_waiting_for(facts, *address, problems);
    show_waiting_threads(facts, waiting, {.pid = false, .waiting_on = false}, output);
    tell_problems(problems, output);
    return true;
  }
  const ObjectFacts named = object_facts(session, *address);
  if (named.valid) show_object_header(named, output);
  const char *type = named.valid ? dispatcher_type_of(named.type_name) : nullptr;
  if (!type && is_dispatcher_type(object.type)) type = type_of(object);
  if (type) return show_object(facts, type, *address, depth, output);
  if (named.valid) return true;
  return fail(output, fmt::format("{} is no object that threads wait for", hex16(*address)));
}

constexpr Command kObjectCommands[] = {
    {"!ddt", "[-r[N]] [MODULE!]TYPE [ADDRESS]", "A type, or an object of it", describe_type},
    {"!mut !mutant !mutex", "[-r[N]] ADDRESS", "A mutex: its owner, and how many wait for it", show_of_type},
    {"!evt !event", "[-r[N]] ADDRESS", "An event, and how many wait for it", show_of_type},
    {"!sem !semaphore", "[-r[N]] ADDRESS", "A semaphore, and how many wait for it", show_of_type},
    {"!obj", "[-waiters] [-r[N]] ADDRESS", "An object or lock; -waiters: the threads that wait for it", show_any},
};

}  // namespace

std::span<const Command> object_commands() { return kObjectCommands; }

}  // namespace ntemu::debug
