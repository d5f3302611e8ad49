#include <string>

#include "ntemu/vf/rules.h"
#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

class DdiCompliance : public VerifierTest {
 protected:
  DdiCompliance() {
    KeInitializeSpinLock(&lock);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeGuardedMutex(&mutex);
    KeInitializeTimer(&timer);
    ExInitializeFastMutex(&fast);
    verify(vf::kDdiCompliance);
  }
  // Stopped by a rule, whose condition is a string that names it.
  template <class Body>
  void expect_rule(ULONG code, const std::string &name, const Body &body) {
    const ke::Bugcheck stop = ke::catch_bugcheck(body);
    expect_stop(stop, 0xC4, {code, kAny, 0, 0});
    if (stop.code != 0xC4) return;
    const std::string condition = reinterpret_cast<const char *>(stop.parameters[1]);
    EXPECT_TRUE(condition.starts_with(name + ": ")) << condition;
  }
  KSPIN_LOCK lock;
  KEVENT event;
  KGUARDED_MUTEX mutex;
  KTIMER timer;
  FAST_MUTEX fast;
};

TEST_F(DdiCompliance, AtDispatchLevel) {
  LARGE_INTEGER soon{.QuadPart = -1};
  KEVENT *none = nullptr;
  PVOID body;
  const AtIrql dispatch(DISPATCH_LEVEL);
  expect_rule(0x20005, "IrqlExApcLte1", [&] { ExAcquireFastMutex(&fast); });
  expect_rule(0x20006, "IrqlExApcLte2", [] { ExAllocateFromPagedLookasideList(nullptr); });
  expect_rule(0x20007, "IrqlExApcLte3", [] { ExDeleteResourceLite(nullptr); });
  expect_rule(0x20008, "IrqlExPassive", [] { ExCreateCallback(nullptr, nullptr, FALSE, FALSE); });
  expect_rule(0x20009, "IrqlIoApcLte", [] { IoDeleteDevice(nullptr); });
  expect_rule(0x2000A, "IrqlIoPassive1", [] { IoAttachDevice(nullptr, nullptr, nullptr); });
  expect_rule(0x2000B, "IrqlIoPassive2", [] { IoCheckShareAccess(0, 0, nullptr, nullptr, FALSE); });
  expect_rule(0x2000C, "IrqlIoPassive3", [] { IoDetachDevice(nullptr); });
  expect_rule(0x2000D, "IrqlIoPassive4", [] { IoDeleteSymbolicLink(nullptr); });
  expect_rule(0x2000E, "IrqlIoPassive5", [] { IoRegisterShutdownNotification(nullptr); });
  expect_rule(0x2000F, "IrqlKeApcLte1", [&] { KeDelayExecutionThread(KernelMode, FALSE, &soon); });
  expect_rule(0x2000F, "IrqlKeApcLte1", [&] { KeAcquireGuardedMutex(&mutex); });
  expect_rule(0x20010, "IrqlKeApcLte2", [] { KeEnterCriticalRegion(); });
  expect_rule(0x20016, "IrqlKeSetEvent", [&] { KeSetEvent(&event, 0, TRUE); });
  expect_rule(0x2001B, "IrqlObPassive", [&] { ObReferenceObjectByHandle(none, 0, nullptr, UserMode, &body, nullptr); });
  expect_rule(0x2001C, "IrqlPsPassive", [] { PsTerminateSystemThread(STATUS_SUCCESS); });
  expect_silence([&] { KeSetEvent(&event, 0, FALSE); });
}

TEST_F(DdiCompliance, AboveDispatchLevel) {
  const AtIrql synch(SYNCH_LEVEL);
  expect_rule(0x20011, "IrqlKeDispatchLte", [&] { KeCancelTimer(&timer); });
  expect_rule(0x20011, "IrqlKeDispatchLte", [&] { KeClearEvent(&event); });
  expect_rule(0x20016, "IrqlKeSetEvent", [&] { KeSetEvent(&event, 0, FALSE); });
}

TEST_F(DdiCompliance, OnlyAtDispatchLevel) {
  expect_rule(0x20003, "IrqlDispatch", [&] { KeAcquireSpinLockAtDpcLevel(&lock); });
  expect_rule(0x20003, "IrqlDispatch", [] { KeRemoveDeviceQueue(nullptr); });
  expect_rule(0x20015, "IrqlKeReleaseSpinLock", [&] { KeReleaseSpinLock(&lock, PASSIVE_LEVEL); });
}

TEST_F(DdiCompliance, ApcLevelIsTooHighForWhatIsPassive) {
  const AtIrql apc(APC_LEVEL);
  PDEVICE_OBJECT device;
  expect_rule(0x2000A, "IrqlIoPassive1", [&] { IoCreateDevice(nullptr, 0, nullptr, 0, 0, FALSE, &device); });
  expect_rule(0x2001C, "IrqlPsPassive", [] { PsGetVersion(nullptr, nullptr, nullptr, nullptr); });
}

TEST_F(DdiCompliance, TheConditionSaysWhat) {
  const AtIrql dispatch(DISPATCH_LEVEL);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { ExAcquireFastMutex(&fast); });
  EXPECT_STREQ(reinterpret_cast<const char *>(stop.parameters[1]),
               "IrqlExApcLte1: ExAcquireFastMutex is called at IRQL 2, allowed is up to 1");
}

TEST_F(DdiCompliance, GuardedRegionThatWasNotEntered) {
  expect_rule(vf::kRuleGuardedRegions, "GuardedRegions", [] { KeLeaveGuardedRegion(); });
  KeEnterGuardedRegion();
  KeEnterGuardedRegion();
  expect_silence([] {
    KeLeaveGuardedRegion();
    KeLeaveGuardedRegion();
  });
}

TEST_F(DdiCompliance, SpinLockTwice) {
  KIRQL old;
  KeAcquireSpinLock(&lock, &old);
  expect_rule(vf::kRuleSpinLock, "SpinLock", [&] { KeAcquireSpinLockAtDpcLevel(&lock); });
  KeReleaseSpinLock(&lock, old);
}

TEST_F(DdiCompliance, QueuedSpinLockTwiceAndReleasedWithoutBeingHeld) {
  KLOCK_QUEUE_HANDLE handle, other;
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  expect_rule(vf::kRuleQueuedSpinLock, "QueuedSpinLock",
              [&] { KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &other); });
  KeReleaseInStackQueuedSpinLock(&handle);
  KSPIN_LOCK free = 0;
  other.LockQueue.Lock = &free;
  expect_rule(vf::kRuleQueuedSpinLockRelease, "QueuedSpinLockRelease",
              [&] { KeReleaseInStackQueuedSpinLockFromDpcLevel(&other); });
}

}  // namespace
}  // namespace ntemu::test
