// What is told of a deadlock.
#include <cstdlib>

#include "ntemu/base/lock.h"
#include "ntemu/machine/inspect.h"
#include "tests/vf/deadlock_fixture.h"

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

namespace ntemu::test {
namespace {

std::string sample(const char *name) { return std::string(DRIVERS "/") + name + ".sys"; }

TEST(DeadlockReport, IsThereWhenTheThreadIsSeenToWaitAndNamesBothLines) {
  std::vector<std::string> lines;
  base::Mutex mutex;
  MachineOptions options;
  options.message = [&](std::string_view line) {
    base::Guard guard(mutex);
    lines.emplace_back(line);
  };
  auto machine = Machine::boot(std::move(options));
  ASSERT_TRUE(machine) << machine.error().text;
  ASSERT_TRUE((*machine)->load(sample("fast_mutex_recursive")));
  const auto creator_waits = [] {
    for (const machine::ThreadView &thread : machine::threads()) {
      if (thread.start.ends_with("!CreatorThread") && thread.waiting) return true;
    }
    return false;
  };
  EXPECT_TRUE((*machine)->wait_until(creator_waits, std::nullopt));
  {
    base::Guard guard(mutex);
    EXPECT_THAT(lines,
                ElementsAre("deadlock: Deadlock detected (1 resource in 1 thread):", "deadlock: Thread 0: A A",
                            "deadlock: Where:", MatchesRegex("deadlock: Thread 0 = [0-9a-f]{16}"),
                            MatchesRegex("deadlock: Lock A = [0-9a-f]{16} Type 'FastMutex'"),
                            MatchesRegex("deadlock: Thread 0 is [0-9]+ \\(fast_mutex_recursive!CreatorThread\\)"),
                            MatchesRegex("deadlock:   acquired A at fast_mutex_recursive!CreatorThread\\+0x[0-9a-f]+ "
                                         "\\(.*fast_mutex_recursive\\.c @ 23\\)"),
                            MatchesRegex("deadlock:   waits for A at fast_mutex_recursive!CreatorThread\\+0x[0-9a-f]+ "
                                         "\\(.*fast_mutex_recursive\\.c @ 24\\)")));
  }
  EXPECT_TRUE((*machine)->shut_down());
}

vf::Cycle two_threads() {
  static const ETHREAD *const first = reinterpret_cast<const ETHREAD *>(0x1000);
  static const ETHREAD *const second = reinterpret_cast<const ETHREAD *>(0x2000);
  const auto *a = reinterpret_cast<const void *>(0xa0), *b = reinterpret_cast<const void *>(0xb0);
  const auto site = [](uintptr_t value) { return reinterpret_cast<const void *>(value); };
  return {{first, 8, nullptr, 1, {a, site(1)}, {b, "Spinlock", site(2)}},
          {second, 12, nullptr, 1, {b, site(3)}, {a, "Mutex", site(4)}}};
}

struct PlainSites {
  PlainSites() {
    vf::describe_site = [](const void *address) {
      return "site " + std::to_string(reinterpret_cast<uintptr_t>(address));
    };
  }
  ~PlainSites() { vf::describe_site = before; }
  decltype(vf::describe_site) before = vf::describe_site;
};

TEST(DeadlockReport, IsInTheDebuggersWords) {
  const PlainSites plain;
  EXPECT_THAT(vf::describe(two_threads()),
              ElementsAre("Deadlock detected (2 resources in 2 threads):", "Thread 0: A B", "Thread 1: B A",
                          "Where:", "Thread 0 = 0000000000001000", "Thread 1 = 0000000000002000",
                          "Lock A = 00000000000000a0 Type 'Mutex'", "Lock B = 00000000000000b0 Type 'Spinlock'",
                          "Thread 0 is 8 (host)", "  acquired A at site 1", "  waits for B at site 2",
                          "Thread 1 is 12 (host)", "  acquired B at site 3", "  waits for A at site 4"));
}

TEST(DeadlockReport, IsAGraph) {
  const PlainSites plain;
  EXPECT_EQ(vf::to_dot({two_threads()}), R"(digraph deadlocks {
  "1000" [shape=box label="thread 8\nhost"];
  "a0" [shape=ellipse label="Mutex\n00000000000000a0"];
  "a0" -> "1000" [label="held since site 1"];
  "1000" -> "b0" [label="waits at site 2"];
  "2000" [shape=box label="thread 12\nhost"];
  "b0" [shape=ellipse label="Spinlock\n00000000000000b0"];
  "b0" -> "2000" [label="held since site 3"];
  "2000" -> "a0" [label="waits at site 4"];
}
)");
}

}  // namespace
}  // namespace ntemu::test
