#include <sched.h>

#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

class KeProcessor : public WithCpus<4> {};
class KeAffinity : public WithCpus<4> {};
class ProcessorStress : public AnyCpus {};

TEST_F(KeProcessor, AreCountedInEveryWay) {
  KAFFINITY mask = 0;
  EXPECT_EQ(KeQueryActiveProcessorCount(&mask), 4u);
  EXPECT_EQ(mask, 0xFu);
  EXPECT_EQ(KeQueryActiveProcessorCount(nullptr), 4u);
  EXPECT_EQ(KeQueryActiveProcessorCountEx(0), 4u);
  EXPECT_EQ(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), 4u);
  EXPECT_EQ(KeQueryActiveProcessorCountEx(1), 0u);
  EXPECT_EQ(KeQueryActiveProcessors(), 0xFu);
  EXPECT_EQ(KeQueryMaximumProcessorCount(), 4u);
  EXPECT_EQ(KeQueryMaximumProcessorCountEx(0), 4u);
  EXPECT_EQ(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS), 4u);
  EXPECT_EQ(KeQueryMaximumProcessorCountEx(7), 0u);
  EXPECT_EQ(KeQueryActiveGroupCount(), 1u);
  EXPECT_EQ(KeQueryMaximumGroupCount(), 1u);
  EXPECT_EQ(KeQueryGroupAffinity(0), 0xFu);
  EXPECT_EQ(KeQueryGroupAffinity(1), 0u);
}

TEST_F(KeProcessor, NumbersAndIndexesAreTheSame) {
  PROCESSOR_NUMBER number{9, 9, 9};
  EXPECT_EQ(KeGetProcessorNumberFromIndex(3, &number), STATUS_SUCCESS);
  EXPECT_EQ(number.Group, 0);
  EXPECT_EQ(number.Number, 3);
  EXPECT_EQ(number.Reserved, 0);
  EXPECT_EQ(KeGetProcessorIndexFromNumber(&number), 3u);
  EXPECT_EQ(KeGetProcessorNumberFromIndex(4, &number), STATUS_INVALID_PARAMETER);
  for (const PROCESSOR_NUMBER wrong : {PROCESSOR_NUMBER{0, 4, 0}, {1, 0, 0}, {0, 0, 1}}) {
    number = wrong;
    EXPECT_EQ(KeGetProcessorIndexFromNumber(&number), INVALID_PROCESSOR_INDEX);
  }
}

TEST_F(KeProcessor, CurrentIsTheOneThatTheThreadHas) {
  const ULONG before = KeGetCurrentProcessorNumber();
  EXPECT_LT(before, 4u);
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  PROCESSOR_NUMBER number{};
  const ULONG index = KeGetCurrentProcessorNumberEx(&number);
  EXPECT_EQ(index, before);
  EXPECT_EQ(number.Number, index);
  EXPECT_EQ(KiProcessorBlock[index]->CurrentThread, KeGetCurrentThread());
  EXPECT_EQ(KiProcessorBlock[index]->Number, index);
  KeLowerIrql(old);
  EXPECT_EQ(KiProcessorBlock[4], nullptr);
}

TEST_F(KeProcessor, StallTakesItsTime) {
  timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  KeStallExecutionProcessor(200);
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_GE((after.tv_sec - before.tv_sec) * 1'000'000'000L + after.tv_nsec - before.tv_nsec, 200'000);
}

TEST_F(KeAffinity, MovesTheThreadAtOnce) {
  for (ULONG i = 0; i < 4; ++i) {
    KeSetSystemAffinityThread(KAFFINITY{1} << i);
    EXPECT_EQ(KeGetCurrentProcessorNumber(), i);
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    EXPECT_EQ(KeGetCurrentProcessorNumber(), i);
    KeLowerIrql(old);
  }
  KeRevertToUserAffinityThread();
  EXPECT_EQ(ke::current().system_affinity, 0u);
}

TEST_F(KeAffinity, AtDispatchLevelMovesTheThreadWhenItLowersTheIrql) {
  KeSetSystemAffinityThread(1);
  // So often that the processor has become the thread's own.
  for (int i = 0; i < 1000; ++i) KeLowerIrql(KeRaiseIrqlToDpcLevel());
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(KeSetSystemAffinityThreadEx(2), 1u);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 0u);
  KeLowerIrql(old);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 1u);
  EXPECT_EQ(ke::current().biased_processor, nullptr);
  KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 1u);
  EXPECT_EQ(KiProcessorBlock[1]->CurrentThread, KeGetCurrentThread());
  KeLowerIrql(old);
}

TEST_F(KeAffinity, AMoveTakesNothingFromWhoHasTheProcessorNow) {
  KeSetSystemAffinityThread(1);
  for (int i = 0; i < 1000; ++i) KeLowerIrql(KeRaiseIrqlToDpcLevel());
  ASSERT_EQ(ke::current().biased_processor, KiProcessorBlock[0]);
  std::atomic<bool> held{false}, release{false};
  SystemThread other([&] {
    KeSetSystemAffinityThread(1);
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    held = true;
    for (uint32_t round = 0; !release.load(); ++round) ke::spin(round);
    KeLowerIrql(old);
  });
  for (uint32_t round = 0; !held.load(); ++round) ke::spin(round);
  KeSetSystemAffinityThread(2);
  EXPECT_EQ(KiProcessorBlock[0]->word.load() & ~uintptr_t{ke::kWordFlags},
            reinterpret_cast<uintptr_t>(&other.thread()));
  release = true;
  KeRevertToUserAffinityThread();
}

TEST_F(KeAffinity, AFlushLeavesTheThreadWhereItWas) {
  const ULONG number = KeGetCurrentProcessorNumber();
  // So often that the last processor would become its own.
  for (int i = 0; i < 600; ++i) KeFlushQueuedDpcs();
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(KeGetCurrentProcessorNumber(), number);
  EXPECT_EQ(KiProcessorBlock[number]->CurrentThread, KeGetCurrentThread());
  KeLowerIrql(old);
}

TEST_F(KeAffinity, ExReturnsWhatRevertExRestores) {
  EXPECT_EQ(KeSetSystemAffinityThreadEx(2), 0u);
  EXPECT_EQ(KeSetSystemAffinityThreadEx(4), 2u);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 2u);
  KeRevertToUserAffinityThreadEx(2);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 1u);
  KeRevertToUserAffinityThreadEx(0);
  EXPECT_EQ(ke::current().system_affinity, 0u);
}

TEST_F(KeAffinity, MasksThatNameNoOrOtherProcessorsChangeNothing) {
  KeSetSystemAffinityThread(2);
  KeSetSystemAffinityThread(0);
  KeSetSystemAffinityThread(0x10);
  EXPECT_EQ(KeSetSystemAffinityThreadEx(0x12), 0u);
  KeRevertToUserAffinityThreadEx(0x10);
  EXPECT_EQ(ke::current().system_affinity, 2u);
  KeRevertToUserAffinityThread();
}

TEST_F(KeAffinity, OfAGroup) {
  GROUP_AFFINITY previous{~KAFFINITY{0}, 9, {}};
  GROUP_AFFINITY wanted{4, 0, {}};
  KeSetSystemGroupAffinityThread(&wanted, &previous);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 2u);
  EXPECT_EQ(previous.Mask, 0u);
  EXPECT_EQ(previous.Group, 0u);
  GROUP_AFFINITY second{};
  wanted.Mask = 8;
  KeSetSystemGroupAffinityThread(&wanted, &second);
  EXPECT_EQ(second.Mask, 4u);
  for (const GROUP_AFFINITY wrong : {GROUP_AFFINITY{1, 1, {}}, {0, 0, {}}, {0x10, 0, {}}, {1, 0, {1, 0, 0}}}) {
    wanted = wrong;
    KeSetSystemGroupAffinityThread(&wanted, nullptr);
    EXPECT_EQ(KeGetCurrentProcessorNumber(), 3u);
  }
  KeRevertToUserGroupAffinityThread(&second);
  EXPECT_EQ(KeGetCurrentProcessorNumber(), 2u);
  KeRevertToUserGroupAffinityThread(&previous);
  EXPECT_EQ(ke::current().system_affinity, 0u);
}

TEST_F(KeAffinity, KeepsThreadsOfOneProcessorApart) {
  long long counter = 0;
  const int kRounds = rounds(2000, 500000);
  const auto body = [&] {
    KeSetSystemAffinityThread(4);
    for (int i = 0; i < kRounds; ++i) {
      const KIRQL old = KeRaiseIrqlToDpcLevel();
      counter = counter + 1;
      KeLowerIrql(old);
    }
  };
  { SystemThread a(body), b(body), c(body), d(body); }
  EXPECT_EQ(counter, 4LL * kRounds);
}

// Each processor's counter is changed at DISPATCH_LEVEL on it, and by nothing else, while threads take what they get,
// move, own one for long, and end.
TEST_P(ProcessorStress, WhatIsDoneAtDispatchLevelIsDoneByOneThread) {
  struct alignas(64) Slot {
    long long counter;
    const void *inside;
  };
  Slot slots[4] = {};
  std::atomic<long long> total{0};
  const int kRounds = rounds(3000, 400000);
  const auto body = [&](unsigned seed) {
    long long done = 0;
    for (int i = 0; i < kRounds; ++i) {
      seed = seed * 1664525 + 1013904223;
      const unsigned what = seed >> 24;
      if (what == 0) KeSetSystemAffinityThread(KAFFINITY{1} << (seed >> 20 & 3) % GetParam());
      if (what == 1) KeRevertToUserAffinityThread();
      if (what == 2) sched_yield();
      // Long runs by one thread, so that processors become its own and are taken from it again.
      const int repeat = what < 8 ? 400 : 1;
      for (int k = 0; k < repeat; ++k) {
        const KIRQL old = KeRaiseIrqlToDpcLevel();
        Slot &slot = slots[KeGetCurrentProcessorNumber()];
        EXPECT_EQ(slot.inside, nullptr);
        slot.inside = &ke::current();
        slot.counter = slot.counter + 1;
        if (what == 9) sched_yield();
        slot.inside = nullptr;
        KeLowerIrql(old);
        ++done;
      }
    }
    total += done;
  };
  for (int generation = 0; generation < 2; ++generation) {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned i = 0; i < 8; ++i)
      threads.push_back(std::make_unique<SystemThread>([&, i] { body(i * 77 + static_cast<unsigned>(generation)); }));
  }
  long long sum = 0;
  for (const Slot &slot : slots) sum += slot.counter;
  EXPECT_EQ(sum, total.load());
}

INSTANTIATE_TEST_SUITE_P(Cpus, ProcessorStress, ::testing::Values(1u, 2u, 4u));

}  // namespace
}  // namespace ntemu::test
