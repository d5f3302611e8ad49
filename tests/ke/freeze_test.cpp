#include "ntemu/ke/freeze.h"
#include "ntemu/base/peek.h"

#include <unistd.h>

#include <atomic>
#include <thread>

#include "ntemu/base/sanitizers.h"
#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"

// ThreadSanitizer puts signals off until a thread calls something.
#ifdef NTEMU_TSAN
#define NTEMU_SKIP_WITH_TSAN GTEST_SKIP() << "signals come late under ThreadSanitizer"
#else
#define NTEMU_SKIP_WITH_TSAN
#endif

namespace ntemu::test {
namespace {

class Freeze : public KernelTest {
 protected:
  Freeze() : KernelTest(4) {}

  // The world is frozen while `look` runs.
  template <class Look>
  void freeze(const Look &look) {
    ucontext_t self;
    getcontext(&self);
    ke::FrozenWorld world{};
    ASSERT_TRUE(ke::freeze_world(&PsInitialSystemProcess->Pcb.ThreadListHead, self, world));
    look(world);
    ke::thaw_world();
  }

  static const ke::FrozenThread *find(const ke::FrozenWorld &world, const ETHREAD &thread) {
    for (size_t i = 0; i < world.count; ++i) {
      if (world.threads[i].id == thread.host_id) return &world.threads[i];
    }
    return nullptr;
  }
};

bool is_on_stack_of(const ke::FrozenThread &frozen, const ETHREAD &thread) {
  const auto at = static_cast<uintptr_t>(frozen.registers[REG_RSP]);
  return at >= reinterpret_cast<uintptr_t>(thread.Tcb.StackLimit) &&
         at < reinterpret_cast<uintptr_t>(thread.Tcb.StackBase);
}

// A thread is asleep a moment before its registers are saved.
void await_in_swap(SystemThread &thread) {
  thread.await_blocked();
  while (!__atomic_load_n(&thread.tcb().KernelStack, __ATOMIC_ACQUIRE)) std::this_thread::yield();
}

// Counts until told to stop, without ever calling the kernel.
struct Counter {
  std::atomic<uint64_t> count{0};
  std::atomic<bool> stop{false};
  void run() {
    while (!stop.load(std::memory_order_relaxed)) count.fetch_add(1, std::memory_order_relaxed);
  }
  void await_progress() {
    for (const uint64_t before = count.load(); count.load() == before;) std::this_thread::yield();
  }
};

TEST_F(Freeze, RunningThreadsStandStillUntilTheThaw) {
  NTEMU_SKIP_WITH_TSAN;
  Counter counter;
  SystemThread runner([&] { counter.run(); });
  std::thread host([&] { counter.run(); });
  counter.await_progress();
  uint64_t first = 0, last = 0;
  ke::Stopped how{};
  bool on_stack = false;
  size_t running = 1;
  freeze([&](const ke::FrozenWorld &world) {
    running = world.running;
    if (const ke::FrozenThread *found = find(world, runner.thread())) {
      how = found->stopped;
      on_stack = found->has_registers && is_on_stack_of(*found, runner.thread());
    }
    first = counter.count.load();
    for (int i = 0; i < 1000; ++i) sched_yield();
    last = counter.count.load();
  });
  EXPECT_EQ(running, 0u);
  EXPECT_EQ(how, ke::Stopped::kBySignal);
  EXPECT_TRUE(on_stack);
  EXPECT_EQ(first, last);
  counter.await_progress();
  counter.stop = true;
  host.join();
}

TEST_F(Freeze, ThreadsThatWaitAreNotSignalledAndHaveTheirSavedRegisters) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread waiter([&] { wait(&event); });
  await_in_swap(waiter);
  const ULONG switches = waiter.tcb().ContextSwitches;
  ke::Stopped how{};
  greg_t at = 0;
  void *pointer = nullptr;
  freeze([&](const ke::FrozenWorld &world) {
    const ke::FrozenThread *found = find(world, waiter.thread());
    if (!found) return;
    how = found->stopped;
    at = found->registers[REG_RSP];
    pointer = reinterpret_cast<void *>(found->thread_pointer);
  });
  EXPECT_EQ(how, ke::Stopped::kByWaiting);
  EXPECT_EQ(reinterpret_cast<void *>(at), base::peek(&waiter.tcb().KernelStack));
  EXPECT_EQ(pointer, reinterpret_cast<void *>(waiter.thread().host_thread));
  EXPECT_EQ(waiter.tcb().ContextSwitches, switches);
  KeSetEvent(&event, 0, FALSE);
}

TEST_F(Freeze, AThreadThatIsWokenStaysInItsWaitUntilTheThaw) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  std::atomic<bool> went_on{false};
  SystemThread waiter([&] {
    wait(&event);
    went_on = true;
  });
  await_in_swap(waiter);
  bool early = true;
  void *stack = nullptr;
  freeze([&](const ke::FrozenWorld &) {
    KeSetEvent(&event, 0, FALSE);
    for (int i = 0; i < 1000; ++i) sched_yield();
    early = went_on.load();
    for (int i = 0; i < 100000 && !stack; ++i) {
      stack = __atomic_load_n(&waiter.tcb().KernelStack, __ATOMIC_ACQUIRE);
      sched_yield();
    }
  });
  EXPECT_FALSE(early);
  EXPECT_NE(stack, nullptr);
  waiter.join();
  EXPECT_TRUE(went_on.load());
}

TEST_F(Freeze, TheCallerIsTheFirstAndHasItsRegisters) {
  pid_t first = 0;
  ke::Stopped how{};
  bool has = false;
  freeze([&](const ke::FrozenWorld &world) {
    first = world.threads[0].id;
    how = world.threads[0].stopped;
    has = world.threads[0].has_registers;
  });
  EXPECT_EQ(first, gettid());
  EXPECT_EQ(how, ke::Stopped::kSelf);
  EXPECT_TRUE(has);
}

TEST_F(Freeze, AThreadThatBlocksTheSignalIsNotedAndNotWaitedForForEver) {
  NTEMU_SKIP_WITH_TSAN;
  std::atomic<pid_t> deaf_id{0};
  Counter counter;
  std::thread deaf([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    deaf_id = gettid();
    counter.run();
  });
  counter.await_progress();
  bool noted = false, has_registers = true;
  size_t running = 0;
  freeze([&](const ke::FrozenWorld &world) {
    running = world.running;
    for (size_t i = 0; i < world.count; ++i) {
      if (world.threads[i].id != deaf_id) continue;
      noted = world.threads[i].stopped == ke::Stopped::kNot;
      has_registers = world.threads[i].has_registers;
    }
  });
  EXPECT_EQ(running, 1u);
  EXPECT_TRUE(noted);
  EXPECT_FALSE(has_registers);
  counter.stop = true;
  deaf.join();
}

TEST_F(Freeze, OnlyOneAtATime) {
  NTEMU_SKIP_WITH_TSAN;
  bool second = true;
  freeze([&](const ke::FrozenWorld &) {
    ucontext_t self;
    getcontext(&self);
    ke::FrozenWorld again{};
    second = ke::freeze_world(nullptr, self, again);
  });
  EXPECT_FALSE(second);
}

TEST_F(Freeze, ATimedWaitLastsAsLongAsItWould) {
  NTEMU_SKIP_WITH_TSAN;
  std::atomic<bool> stop{false};
  SystemThread delayed([&] {
    while (!stop.load()) {
      const base::Nt100ns before = base::clock().interrupt_time();
      LARGE_INTEGER delay = relative(2 * base::kNtPerMillisecond);
      EXPECT_EQ(KeDelayExecutionThread(KernelMode, FALSE, &delay), STATUS_SUCCESS);
      EXPECT_GE(base::clock().interrupt_time() - before, 2 * base::kNtPerMillisecond);
    }
  });
  for (int i = 0; i < rounds(100, 2000); ++i) freeze([](const ke::FrozenWorld &) {});
  stop = true;
}

// Threads that wait, wake each other, begin and end while the world freezes: every one has either registers of its wait
// or those of its handler, and none moves.
TEST_F(Freeze, StressOfThreadsThatComeAndGo) {
  NTEMU_SKIP_WITH_TSAN;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> moves{0};
  KSEMAPHORE ping, pong;
  KeInitializeSemaphore(&ping, 0, 1000);
  KeInitializeSemaphore(&pong, 0, 1000);
  const auto play = [&](KSEMAPHORE &mine, KSEMAPHORE &other) {
    while (!stop.load()) {
      LARGE_INTEGER limit = relative(base::kNtPerMillisecond);
      if (wait(&mine, &limit) == STATUS_SUCCESS) moves.fetch_add(1);
      if (KeReadStateSemaphore(&other) < 10) KeReleaseSemaphore(&other, 0, 1, FALSE);
    }
  };
  SystemThread one([&] { play(ping, pong); }), other([&] { play(pong, ping); });
  SystemThread maker([&] {
    while (!stop.load()) SystemThread([&] { moves.fetch_add(1); });
  });
  // Also when an assertion leaves the test.
  const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool> *)> stopping(
      &stop, [](std::atomic<bool> *flag) { flag->store(true); });
  for (int i = 0; i < rounds(200, 5000); ++i) {
    uint64_t before = 0, after = 0;
    size_t without = 0, running = 0;
    freeze([&](const ke::FrozenWorld &world) {
      before = moves.load();
      running = world.running;
      for (size_t thread = 0; thread < world.count; ++thread) {
        const ke::FrozenThread &each = world.threads[thread];
        if (each.stopped != ke::Stopped::kGone) without += !each.has_registers || each.registers[REG_RSP] == 0;
      }
      for (int look = 0; look < 20; ++look) sched_yield();
      after = moves.load();
    });
    ASSERT_EQ(running, 0u);
    ASSERT_EQ(without, 0u);
    ASSERT_EQ(before, after);
  }
}

}  // namespace
}  // namespace ntemu::test
