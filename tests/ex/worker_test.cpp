#include "ntemu/ex/worker.h"

#include <thread>
#include <vector>

#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

// A routine that waits until the test lets it go.
struct Held {
  KEVENT entered, gate;
  PETHREAD worker = nullptr;
  Held() {
    KeInitializeEvent(&entered, NotificationEvent, FALSE);
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
  }
  static void run(void *context) {
    auto &held = *static_cast<Held *>(context);
    held.worker = PsGetCurrentThread();
    KeSetEvent(&held.entered, IO_NO_INCREMENT, FALSE);
    wait(&held.gate);
  }
  void let_go() { KeSetEvent(&gate, IO_NO_INCREMENT, FALSE); }
};

using SystemWorker = KernelTest;

TEST_F(SystemWorker, RunsOnAThreadOfItsOwn) {
  struct {
    PETHREAD worker;
    KIRQL irql;
  } seen{nullptr, 0xFF};
  const auto look = [](void *context) {
    auto &into = *static_cast<decltype(seen) *>(context);
    into = {PsGetCurrentThread(), KeGetCurrentIrql()};
  };
  EXPECT_TRUE(ex::run_on_system_worker(look, &seen));
  EXPECT_NE(seen.worker, PsGetCurrentThread());
  EXPECT_EQ(seen.irql, PASSIVE_LEVEL);
  EXPECT_FALSE(ex::worker_is_busy());
}

TEST_F(SystemWorker, OnAWorkerRunsThereAndThen) {
  PETHREAD threads[2] = {};
  const auto outer = [](void *context) {
    auto **seen = static_cast<PETHREAD *>(context);
    seen[0] = PsGetCurrentThread();
    ex::run_on_system_worker([](void *inner) { *static_cast<PETHREAD *>(inner) = PsGetCurrentThread(); }, seen + 1);
  };
  EXPECT_TRUE(ex::run_on_system_worker(outer, threads));
  EXPECT_EQ(threads[0], threads[1]);
}

TEST_F(SystemWorker, GrowsToItsLimitAndThenQueues) {
  std::vector<Held> held(ex::kMostWorkers + 2);
  std::vector<std::thread> callers;
  for (unsigned i = 0; i < ex::kMostWorkers; ++i) {
    callers.emplace_back([&held, i] { EXPECT_TRUE(ex::run_on_system_worker(Held::run, &held[i])); });
    wait(&held[i].entered);
    for (unsigned j = 0; j < i; ++j) EXPECT_NE(held[i].worker, held[j].worker);
  }
  // All are taken: these two wait, which is at rest, too.
  for (unsigned i = ex::kMostWorkers; i < held.size(); ++i) ex::queue_to_system_worker(Held::run, &held[i]);
  EXPECT_FALSE(ex::work_is_due());
  EXPECT_TRUE(machine().wait_until([this] { return machine().load_hangs(); }, std::nullopt));
  held[3].let_go();
  wait(&held[ex::kMostWorkers].entered);
  EXPECT_EQ(held[ex::kMostWorkers].worker, held[3].worker);
  EXPECT_EQ(poll(&held[ex::kMostWorkers + 1].entered), STATUS_TIMEOUT);
  for (Held &each : held) each.let_go();
  for (std::thread &caller : callers) caller.join();
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  EXPECT_FALSE(ex::worker_is_busy());
}

TEST_F(SystemWorker, ManyAtOnceAllRun) {
  const int each = rounds(200, 5000);
  std::atomic<int> ran{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 32; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < each; ++round) {
        ex::run_on_system_worker([](void *count) { static_cast<std::atomic<int> *>(count)->fetch_add(1); }, &ran);
      }
    });
  }
  for (std::thread &caller : callers) caller.join();
  EXPECT_EQ(ran, 32 * each);
}

TEST_F(SystemWorker, QueuedWorkIsNoRest) {
  std::atomic<bool> ran{false};
  ex::queue_to_system_worker([](void *flag) { static_cast<std::atomic<bool> *>(flag)->store(true); }, &ran);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace ntemu::test
