// A driver that starts and stops again and again leaves nothing behind in its process.
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "ntemu/base/sanitizers.h"
#include "ntemu/ex/worker.h"
#include "tests/io/lifecycle_fixture.h"

namespace ntemu::test {
namespace {

namespace stdfs = std::filesystem;

size_t entries(const char *directory) {
  size_t count = 0;
  for (const auto &entry : stdfs::directory_iterator(directory)) {
    (void)entry;
    ++count;
  }
  return count;
}

struct Process {
  size_t descriptors, threads, mappings = 0, reserved = 0, handles, resident, heap;
};

// What is reserved is counted in bytes: whether ranges of images that are gone lie side by side is chance.
void count_mappings(Process &process) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    size_t start = 0, end = 0;
    char access[5] = "";
    std::sscanf(line.c_str(), "%zx-%zx %4s", &start, &end, access);
    if (access == std::string("---p")) {
      process.reserved += end - start;
    } else {
      ++process.mappings;
    }
  }
}

Process look() {
  size_t total, resident;
  std::ifstream("/proc/self/statm") >> total >> resident;
  Process process{.descriptors = entries("/proc/self/fd"),
                  .threads = entries("/proc/self/task"),
                  .handles = ob::open_handles(),
                  .resident = resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)),
                  .heap = mallinfo2().uordblks};
  count_mappings(process);
  return process;
}

class Cycle : public LifecycleTest {
 protected:
  void start_and_stop() {
    ASSERT_TRUE(load("Cycle"));
    auto unloaded = machine().unload("Cycle");
    ASSERT_TRUE(unloaded);
    ASSERT_FALSE(unloaded->pending);
    ASSERT_EQ(unloaded->threads_left, 0u);
  }
  void stop_while_open() {
    ASSERT_TRUE(load("Cycle"));
    const HANDLE handle = open_device();
    ASSERT_TRUE(machine().unload("Cycle")->pending);
    ZwClose(handle);
    await_state("Cycle", DriverState::kNotLoaded);
    // The worker that unloaded is free again: a busy one would make the next load take a second worker.
    ASSERT_TRUE(machine().wait_until([] { return !ex::worker_is_busy(); }, std::nullopt));
  }
  template <class Body>
  void expect_nothing_left(Body body) {
    for (int i = 0; i < 100; ++i) body();
    look();  // takes what looking takes
    const Process before = look();
    for (int i = rounds(100, 1000); i > 0; --i) body();
    const Process after = look();
    EXPECT_EQ(after.descriptors, before.descriptors);
    EXPECT_EQ(after.threads, before.threads);
    EXPECT_EQ(after.handles, before.handles);
#if !defined(NTEMU_ASAN) && !defined(NTEMU_TSAN)  // which keep what was freed
    EXPECT_EQ(after.mappings, before.mappings);
    EXPECT_EQ(after.reserved, before.reserved);
    EXPECT_LE(after.heap, before.heap + (16 << 10));
    EXPECT_LE(after.resident, before.resident + (128 << 10));
#endif
  }
};

TEST_F(Cycle, LeavesTheProcessAsItWas) {
  expect_nothing_left([this] { start_and_stop(); });
}

TEST_F(Cycle, LeavesTheProcessAsItWasAlsoWhenTheUnloadHasToWait) {
  expect_nothing_left([this] { stop_while_open(); });
}

}  // namespace
}  // namespace ntemu::test
