#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

class DpcStress : public AnyCpus {};

// What DPCs and threads at DISPATCH_LEVEL do on one processor never overlaps.
TEST_P(DpcStress, AndRaisedThreadsExcludeEachOther) {
  struct alignas(64) Slot {
    long long counter = 0;
    const void *inside = nullptr;
    void enter(const void *who) {
      EXPECT_EQ(inside, nullptr);
      inside = who;
      counter = counter + 1;
      inside = nullptr;
    }
  };
  static Slot slots[4];
  for (Slot &slot : slots) slot = {};
  static std::atomic<long long> total;
  total = 0;
  const int kRounds = rounds(1000, 150000);
  KDPC dpcs[6];
  for (unsigned i = 0; i < 6; ++i) {
    KeInitializeDpc(
        &dpcs[i],
        [](PKDPC dpc, PVOID, PVOID, PVOID) {
          total.fetch_add(1);
          slots[KeGetCurrentProcessorNumber()].enter(dpc);
        },
        nullptr);
    if (i % 2 == 0) KeSetTargetProcessorDpc(&dpcs[i], static_cast<CCHAR>(i / 2 % GetParam()));
  }
  const auto body = [&](unsigned seed) {
    for (int i = 0; i < kRounds; ++i) {
      seed = seed * 1664525 + 1013904223;
      KDPC &dpc = dpcs[(seed >> 8) % 6];
      const KIRQL old = seed >> 31 ? KeRaiseIrqlToDpcLevel() : KeGetCurrentIrql();
      if (old != KeGetCurrentIrql()) {
        total.fetch_add(1);
        slots[KeGetCurrentProcessorNumber()].enter(&seed);
      }
      switch (seed >> 28 & 7) {
        case 0:
          KeRemoveQueueDpc(&dpc);
          break;
        case 1:
          if (KeGetCurrentIrql() < DISPATCH_LEVEL && seed >> 24 & 1) KeFlushQueuedDpcs();
          break;
        case 2:
          for (int k = 0; k < 300 && KeGetCurrentIrql() == PASSIVE_LEVEL; ++k) KeLowerIrql(KeRaiseIrqlToDpcLevel());
          break;
        default:
          KeInsertQueueDpc(&dpc, nullptr, nullptr);
      }
      if (old != KeGetCurrentIrql()) KeLowerIrql(old);
    }
  };
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned i = 0; i < 8; ++i) threads.push_back(std::make_unique<SystemThread>([&, i] { body(i * 91 + 5); }));
  }
  KeFlushQueuedDpcs();
  long long sum = 0;
  for (const Slot &slot : slots) sum += slot.counter;
  EXPECT_EQ(sum, total.load());
}

// Every insert that said TRUE is a run, or a remove that said TRUE.
TEST_P(DpcStress, NoneIsLost) {
  for (const bool threaded : {false, true}) {
    KDPC dpcs[3];
    static std::atomic<long long> runs;
    runs = 0;
    for (unsigned i = 0; i < 3; ++i) {
      const auto routine = [](PKDPC, PVOID, PVOID, PVOID) { runs.fetch_add(1); };
      threaded ? KeInitializeThreadedDpc(&dpcs[i], routine, nullptr) : KeInitializeDpc(&dpcs[i], routine, nullptr);
      if (i < 2) KeSetTargetProcessorDpc(&dpcs[i], static_cast<CCHAR>(i % GetParam()));
    }
    std::atomic<long long> inserted{0}, removed{0};
    const int kRounds = rounds(500, 100000);
    const auto body = [&](unsigned seed) {
      for (int i = 0; i < kRounds; ++i) {
        seed = seed * 1664525 + 1013904223;
        KDPC &dpc = dpcs[(seed >> 8) % 3];
        if (seed >> 30 == 0) {
          removed += KeRemoveQueueDpc(&dpc);
        } else {
          inserted += KeInsertQueueDpc(&dpc, nullptr, nullptr);
        }
        if (seed >> 20 % 64 == 0) KeFlushQueuedDpcs();
      }
    };
    {
      std::vector<std::unique_ptr<SystemThread>> threads;
      for (unsigned i = 0; i < 8; ++i) threads.push_back(std::make_unique<SystemThread>([&, i] { body(i * 17 + 3); }));
    }
    KeFlushQueuedDpcs();
    EXPECT_EQ(runs.load() + removed.load(), inserted.load());
  }
}

INSTANTIATE_TEST_SUITE_P(Cpus, DpcStress, ::testing::Values(1u, 2u, 4u));

}  // namespace
}  // namespace ntemu::test
