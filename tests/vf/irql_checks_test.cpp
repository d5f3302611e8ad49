#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

class ForceIrql : public VerifierTest {
 protected:
  ForceIrql() {
    KeInitializeSpinLock(&lock);
    ExInitializeFastMutex(&mutex);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    verify(vf::kForceIrql);
  }
  ULONG_PTR irql_at() { return at(&ke::current().irql); }

  KSPIN_LOCK lock;
  FAST_MUTEX mutex;
  KEVENT event;
};

TEST_F(ForceIrql, RaisingDownOrTooHigh) {
  expect_violation([] { KfRaiseIrql(HIGH_LEVEL + 1); }, 0x30, PASSIVE_LEVEL, HIGH_LEVEL + 1);
  const AtIrql high(SYNCH_LEVEL);
  expect_violation([] { KfRaiseIrql(APC_LEVEL); }, 0x30, SYNCH_LEVEL, APC_LEVEL);
  expect_violation([] { KeRaiseIrqlToDpcLevel(); }, 0x30, SYNCH_LEVEL, DISPATCH_LEVEL);
}

TEST_F(ForceIrql, RaisingToSynchLevelFromAbove) {
  const AtIrql high(HIGH_LEVEL);
  expect_violation([] { KeRaiseIrqlToSynchLevel(); }, 0x30, HIGH_LEVEL, SYNCH_LEVEL);
}

TEST_F(ForceIrql, ObjectsInPageableMemory) {
  void *const paged = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(ERESOURCE), 'tseT');
  expect_violation([&] { KeInitializeEvent(static_cast<PKEVENT>(paged), NotificationEvent, FALSE); }, 0xE1, at(paged));
  expect_violation([&] { KeInitializeSpinLock(static_cast<PKSPIN_LOCK>(paged)); }, 0xE1, at(paged));
  expect_violation([&] { ExInitializeResourceLite(static_cast<PERESOURCE>(paged)); }, 0xE1, at(paged));
  expect_violation([&] { KeInitializeTimer(reinterpret_cast<PKTIMER>(0x40)); }, 0xE1, 0x40);
  expect_silence([&] { KeInitializeEvent(&event, NotificationEvent, FALSE); });
  verify(vf::kStandardOptions & ~vf::kForceIrql);
  expect_silence([&] { KeInitializeEvent(static_cast<PKEVENT>(paged), NotificationEvent, FALSE); });
  ExFreePoolWithTag(paged, 'tseT');
}

TEST_F(ForceIrql, LoweringUp) {
  const AtIrql apc(APC_LEVEL);
  expect_violation([] { KeLowerIrql(DISPATCH_LEVEL); }, 0x31, APC_LEVEL, DISPATCH_LEVEL, 0);
}

ke::Bugcheck dpc_stop;
VOID lower_in_dpc(PKDPC, PVOID, PVOID, PVOID) {
  dpc_stop = ke::catch_bugcheck([] { KeLowerIrql(PASSIVE_LEVEL); });
}

TEST_F(ForceIrql, LoweringInADpc) {
  KDPC dpc;
  KeInitializeDpc(&dpc, lower_in_dpc, nullptr);
  KeInsertQueueDpc(&dpc, nullptr, nullptr);
  KeFlushQueuedDpcs();
  expect_stop(dpc_stop, 0xC4, {0x31, DISPATCH_LEVEL, PASSIVE_LEVEL, 1});
}

TEST_F(ForceIrql, SpinLockReleasedTwice) {
  KIRQL old;
  KeAcquireSpinLock(&lock, &old);
  KeReleaseSpinLock(&lock, old);
  expect_violation([&] { KeReleaseSpinLock(&lock, old); }, 0x32, PASSIVE_LEVEL, at(&lock));
}

TEST_F(ForceIrql, FastMutexAboveApcLevel) {
  const AtIrql dispatch(DISPATCH_LEVEL);
  expect_violation([&] { ExAcquireFastMutex(&mutex); }, 0x33, DISPATCH_LEVEL, at(&mutex));
  expect_violation([&] { ExTryToAcquireFastMutex(&mutex); }, 0x33, DISPATCH_LEVEL, at(&mutex));
}

TEST_F(ForceIrql, FastMutexReleasedBelowApcLevel) {
  ExAcquireFastMutex(&mutex);
  KeLowerIrql(PASSIVE_LEVEL);
  expect_violation([&] { ExReleaseFastMutex(&mutex); }, 0x34, PASSIVE_LEVEL, at(&mutex));
  KfRaiseIrql(APC_LEVEL);
  expect_silence([&] { ExReleaseFastMutex(&mutex); });
}

TEST_F(ForceIrql, QueuedSpinLockReleasedAtAnotherLevel) {
  KLOCK_QUEUE_HANDLE handle;
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  KfRaiseIrql(SYNCH_LEVEL);
  expect_violation([&] { KeReleaseInStackQueuedSpinLock(&handle); }, 0x35, SYNCH_LEVEL, at(&lock), PASSIVE_LEVEL);
  KeLowerIrql(DISPATCH_LEVEL);
  KeReleaseInStackQueuedSpinLock(&handle);
}

TEST_F(ForceIrql, UnsafeMutexWithApcsEnabled) {
  expect_violation([&] { ExAcquireFastMutexUnsafe(&mutex); }, 0x39, PASSIVE_LEVEL, 0, at(&mutex));
  KeEnterCriticalRegion();
  expect_silence([&] { ExAcquireFastMutexUnsafe(&mutex); });
  KeLeaveCriticalRegion();
  expect_violation([&] { ExReleaseFastMutexUnsafe(&mutex); }, 0x3A, PASSIVE_LEVEL, 0, at(&mutex));
  const AtIrql apc(APC_LEVEL);
  expect_silence([&] { ExReleaseFastMutexUnsafe(&mutex); });
}

TEST_F(ForceIrql, SpinLocksAtDpcLevelBelowIt) {
  expect_violation([&] { KeAcquireSpinLockAtDpcLevel(&lock); }, 0x40, PASSIVE_LEVEL, at(&lock));
  expect_violation([&] { KeTryToAcquireSpinLockAtDpcLevel(&lock); }, 0x40, PASSIVE_LEVEL, at(&lock));
  expect_violation([&] { KeReleaseSpinLockFromDpcLevel(&lock); }, 0x41, PASSIVE_LEVEL, at(&lock));
}

TEST_F(ForceIrql, SpinLockAboveDispatchLevel) {
  const AtIrql synch(SYNCH_LEVEL);
  expect_violation(
      [&] {
        KIRQL old;
        KeAcquireSpinLock(&lock, &old);
      },
      0x42, SYNCH_LEVEL, at(&lock));
}

TEST_F(ForceIrql, EventSetAboveDispatchLevel) {
  const AtIrql synch(SYNCH_LEVEL);
  expect_violation([&] { KeSetEvent(&event, 0, FALSE); }, 0x80, SYNCH_LEVEL, at(&event));
}

TEST_F(ForceIrql, CriticalRegionAboveApcLevel) {
  KeEnterCriticalRegion();
  {
    const AtIrql dispatch(DISPATCH_LEVEL);
    expect_violation([] { KeEnterCriticalRegion(); }, 0x11A, DISPATCH_LEVEL);
    expect_violation([] { KeLeaveCriticalRegion(); }, 0x11B, DISPATCH_LEVEL);
  }
  KeLeaveCriticalRegion();
}

TEST_F(ForceIrql, WaitsAtDispatchLevelAndAbove) {
  LARGE_INTEGER some{.QuadPart = -1}, none{};
  {
    const AtIrql synch(SYNCH_LEVEL);
    expect_violation([&] { wait(&event, &none); }, 0x120, irql_at(), at(&event), at(&none));
  }
  const AtIrql dispatch(DISPATCH_LEVEL);
  expect_violation([&] { wait(&event); }, 0x121, irql_at(), at(&event), 0);
  expect_violation([&] { wait(&event, &some); }, 0x122, irql_at(), at(&event), at(&some));
  expect_silence([&] { EXPECT_EQ(wait(&event, &none), STATUS_TIMEOUT); });
  PVOID objects[] = {&event, &event};
  expect_violation(
      [&] { KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr); }, 0x121,
      irql_at(), at(&event), 0);
  expect_violation([&] { KeDelayExecutionThread(KernelMode, FALSE, &some); }, 0x3B, DISPATCH_LEVEL, 0, at(&some));
}

TEST_F(ForceIrql, WhatIsDocumentedForALowerLevel) {
  const AtIrql dispatch(DISPATCH_LEVEL);
  expect_violation([&] { ExInitializeResourceLite(nullptr); }, 0xE5, DISPATCH_LEVEL);
  expect_silence([&] { KeSetEvent(&event, 0, FALSE); });
}

TEST_F(ForceIrql, OnlyWhereItIsOn) {
  verify(vf::kMiscellaneous);
  const AtIrql dispatch(DISPATCH_LEVEL);
  expect_silence([&] { EXPECT_TRUE(ExTryToAcquireFastMutex(&mutex)); });
  ExReleaseFastMutex(&mutex);
}

TEST_F(ForceIrql, CountsWhatVerifiedDriversDo) {
  vf::reset_counters();
  KeLowerIrql(KfRaiseIrql(APC_LEVEL));
  KIRQL old;
  KeAcquireSpinLock(&lock, &old);
  KeReleaseSpinLock(&lock, old);
  ExFreePool(ExAllocatePoolWithTag(NonPagedPoolNx, 16, 'tseT'));
  const vf::Counters counters = vf::counters();
  EXPECT_EQ(counters.raise_irqls, 1u);
  EXPECT_EQ(counters.acquire_spin_locks, 1u);
  EXPECT_EQ(counters.allocations_attempted, 1u);
  EXPECT_EQ(counters.allocations_without_tag, 0u);
}

}  // namespace
}  // namespace ntemu::test
