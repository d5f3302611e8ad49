// What disturbs the host's sleep does not end a wait.
#include <pthread.h>
#include <signal.h>

#include <thread>

#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using base::kNtPerMillisecond;
using base::kNtPerSecond;

std::atomic<int> signals{0};

// A handler for SIGUSR1 that interrupts system calls.
class Interruptions {
 public:
  Interruptions() {
    signals = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { signals.fetch_add(1); };
    sigaction(SIGUSR1, &action, &before_);
  }
  ~Interruptions() { sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

// A host thread in a wait.
class HostThread {
 public:
  explicit HostThread(std::function<void()> body)
      : host_([this, body = std::move(body)] {
          thread_.store(&ke::current());
          body();
          done_.store(true);
          ending_.wait();
        }) {
    while (!thread_.load() || !ke::is_asleep(*thread_.load())) sched_yield();
  }
  ~HostThread() { join(); }
  void disturb(int times) {
    for (int i = 0; i < times; ++i) {
      pthread_kill(host_.native_handle(), SIGUSR1);
      ke::kick(*thread_.load());
      if (i % 16 == 0) sched_yield();
    }
  }
  bool done() const { return done_.load(); }
  void join() {
    if (!host_.joinable()) return;
    ending_.ring();
    host_.join();
  }

 private:
  // The thread stays to be disturbed until it is joined.
  struct Bell {
    std::atomic<uint32_t> word{0};
    void wait() {
      while (word.load() == 0) base::wait_word(word, 0);
    }
    void ring() { word.store(1), base::wake_word(word); }
  };
  std::atomic<ETHREAD *> thread_{nullptr};
  std::atomic<bool> done_{false};
  Bell ending_;
  std::thread host_;
};

using Waits = std::vector<std::pair<std::function<NTSTATUS(PLARGE_INTEGER)>, NTSTATUS>>;

struct Objects4 {
  Event event, other;
  Queue queue;
  Waits waits() {
    return {
        {[this](PLARGE_INTEGER timeout) { return wait(&event, timeout); }, STATUS_TIMEOUT},
        {[this](PLARGE_INTEGER timeout) {
           return wait_any({&event, &other}, timeout);
         },
         STATUS_TIMEOUT},
        {[this](PLARGE_INTEGER timeout) {
           return static_cast<NTSTATUS>(reinterpret_cast<LONG_PTR>(queue.remove(timeout)));
         },
         STATUS_TIMEOUT},
        {[](PLARGE_INTEGER timeout) { return KeDelayExecutionThread(KernelMode, FALSE, timeout); }, STATUS_SUCCESS}};
  }
};

using KeWaitInterrupted = FakeTimeTest;
using KeWaitInterruptedForReal = KernelTest;

TEST_F(KeWaitInterrupted, SleepsUntilItsTimeBySystemOrInterruptTime) {
  Interruptions handler;
  Objects4 objects;
  for (const auto &[waits, expected] : objects.waits()) {
    for (const bool absolute : {false, true}) {
      LARGE_INTEGER timeout = relative(kNtPerSecond);
      if (absolute) timeout.QuadPart = clock.system_time() + kNtPerSecond;
      NTSTATUS status = STATUS_UNSUCCESSFUL;
      HostThread thread([&, &wait_so = waits] { status = wait_so(&timeout); });
      thread.disturb(100);
      EXPECT_FALSE(thread.done());
      clock.advance(kNtPerSecond - 1);
      thread.disturb(100);
      EXPECT_FALSE(thread.done());
      clock.advance(1);
      while (!thread.done()) sched_yield();
      thread.join();
      EXPECT_EQ(status, expected);
    }
  }
  EXPECT_GT(signals.load(), 0);
}

TEST_F(KeWaitInterruptedForReal, LastsAtLeastItsTime) {
  Interruptions handler;
  Objects4 objects;
  for (const auto &[waits, expected] : objects.waits()) {
    for (const bool absolute : {false, true}) {
      base::Nt100ns lasted = 0;
      NTSTATUS status = STATUS_UNSUCCESSFUL;
      constexpr base::Nt100ns kTime = 20 * kNtPerMillisecond;
      HostThread thread([&, &wait_so = waits] {
        const base::Nt100ns begun = base::clock().interrupt_time();
        LARGE_INTEGER timeout = relative(kTime);
        if (absolute) timeout.QuadPart = base::clock().system_time() + kTime;
        status = wait_so(&timeout);
        lasted = base::clock().interrupt_time() - begun;
      });
      while (!thread.done()) thread.disturb(10);
      thread.join();
      EXPECT_EQ(status, expected);
      // The host may slew the system time.
      EXPECT_GE(lasted, absolute ? kTime - kNtPerMillisecond : kTime);
    }
  }
}

TEST_F(KeWaitInterrupted, IsStillEndedByASignal) {
  Interruptions handler;
  for (int i = 0; i < rounds(50, 2000); ++i) {
    Event event;
    HostThread thread([&] { EXPECT_EQ(wait(&event), STATUS_SUCCESS); });
    thread.disturb(i % 50);
    EXPECT_FALSE(thread.done());
    event.set();
    while (!thread.done()) thread.disturb(1);
  }
}

}  // namespace
}  // namespace ntemu::test
