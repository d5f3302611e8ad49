#include "ntemu/ke/processor.h"
#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

class KeBroadcast : public WithCpus<4> {};
class BroadcastStress : public AnyCpus {};

struct Seen {
  std::atomic<int> before{0}, last{0}, wrong{0};
  std::atomic<unsigned> processors{0};
};

VOID take_part(PKDPC, PVOID context, PVOID argument1, PVOID argument2) {
  auto &seen = *static_cast<Seen *>(context);
  if (KeGetCurrentIrql() != DISPATCH_LEVEL) ++seen.wrong;
  seen.processors |= 1u << KeGetCurrentProcessorNumber();
  ++seen.before;
  if (KeSignalCallDpcSynchronize(argument2)) ++seen.last;
  if (seen.before != static_cast<int>(KeQueryActiveProcessorCount(nullptr))) ++seen.wrong;
  if (KeSignalCallDpcSynchronize(argument2)) ++seen.last;
  KeSignalCallDpcDone(argument1);
}

TEST_F(KeBroadcast, GenericCallRunsOnEveryProcessorAndTheyMeet) {
  Seen seen;
  KeGenericCallDpc(take_part, &seen);
  EXPECT_EQ(seen.before, 4);
  EXPECT_EQ(seen.processors, 0xFu);
  EXPECT_EQ(seen.last, 2);
  EXPECT_EQ(seen.wrong, 0);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeBroadcast, GenericCallIsForBelowDispatchLevel) {
  Seen seen;
  KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(ke::catch_bugcheck([&] { KeGenericCallDpc(take_part, &seen); }).code, 0xD1u);
  KeLowerIrql(PASSIVE_LEVEL);
}

struct IpiSeen {
  std::atomic<int> calls{0}, wrong{0};
  std::atomic<unsigned> processors{0};
};

ULONG_PTR take_interrupt(ULONG_PTR context) {
  auto &seen = *reinterpret_cast<IpiSeen *>(context);
  if (KeGetCurrentIrql() != IPI_LEVEL) ++seen.wrong;
  seen.processors |= 1u << KeGetCurrentProcessorNumber();
  ++seen.calls;
  return 100 + KeGetCurrentProcessorNumber();
}

TEST_F(KeBroadcast, IpiGenericCallRunsOnEveryProcessorAndReturnsTheCallersResult) {
  for (const KIRQL irql : std::initializer_list<KIRQL>{PASSIVE_LEVEL, DISPATCH_LEVEL, SYNCH_LEVEL}) {
    IpiSeen seen;
    const KIRQL old = KfRaiseIrql(irql);
    const ULONG_PTR result = KeIpiGenericCall(take_interrupt, reinterpret_cast<ULONG_PTR>(&seen));
    EXPECT_EQ(KeGetCurrentIrql(), irql);
    EXPECT_EQ(result, 100 + KeGetCurrentProcessorNumber());
    KeLowerIrql(old);
    EXPECT_EQ(seen.calls, 4);
    EXPECT_EQ(seen.processors, 0xFu);
    EXPECT_EQ(seen.wrong, 0);
  }
}

TEST_F(KeBroadcast, IpiGenericCallAtIpiLevelIsBugcheckA) {
  IpiSeen seen;
  KfRaiseIrql(IPI_LEVEL);
  const auto call = [&] { KeIpiGenericCall(take_interrupt, reinterpret_cast<ULONG_PTR>(&seen)); };
  EXPECT_EQ(ke::catch_bugcheck(call).code, 0x0Au);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_P(BroadcastStress, CallsFollowEachOther) {
  std::atomic<int> wrong{0};
  const int kRounds = rounds(20, 3000);
  KSPIN_LOCK lock = 0;
  const auto body = [&] {
    for (int i = 0; i < kRounds; ++i) {
      Seen seen;
      KeGenericCallDpc(take_part, &seen);
      if (seen.before != static_cast<int>(GetParam()) || seen.wrong || seen.last != 2) ++wrong;
      IpiSeen interrupted;
      KeIpiGenericCall(take_interrupt, reinterpret_cast<ULONG_PTR>(&interrupted));
      if (interrupted.calls != static_cast<int>(GetParam()) || interrupted.wrong) ++wrong;
      for (int k = 0; k < 300; ++k) {
        KIRQL old;
        KeAcquireSpinLock(&lock, &old);
        KeReleaseSpinLock(&lock, old);
      }
    }
  };
  { SystemThread a(body), b(body), c(body), d(body); }
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Cpus, BroadcastStress, ::testing::Values(1u, 2u, 4u));

}  // namespace
}  // namespace ntemu::test
