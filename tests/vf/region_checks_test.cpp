#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

// Checked without any option.
class RegionChecks : public VerifierTest {
 protected:
  RegionChecks() {
    ExInitializePushLock(&lock);
    ExInitializeResourceLite(&resource);
    verify(0);
  }
  ~RegionChecks() override {
    stop_verifying();
    ExDeleteResourceLite(&resource);
  }
  EX_PUSH_LOCK lock;
  ERESOURCE resource;
};

TEST_F(RegionChecks, LeavingACriticalRegionThatWasNotEntered) {
  expect_violation([] { KeLeaveCriticalRegion(); }, 0x3E);
  KeEnterCriticalRegion();
  expect_silence([] { KeLeaveCriticalRegion(); });
}

TEST_F(RegionChecks, ResourcesWithApcsEnabled) {
  expect_violation([&] { ExAcquireResourceExclusiveLite(&resource, TRUE); }, 0x37, PASSIVE_LEVEL, 0, at(&resource));
  expect_violation([&] { ExAcquireResourceSharedLite(&resource, TRUE); }, 0x37, PASSIVE_LEVEL, 0, at(&resource));
  expect_violation([&] { ExAcquireSharedStarveExclusive(&resource, TRUE); }, 0x37, PASSIVE_LEVEL, 0, at(&resource));
  expect_violation([&] { ExAcquireSharedWaitForExclusive(&resource, TRUE); }, 0x37, PASSIVE_LEVEL, 0, at(&resource));
  KeEnterCriticalRegion();
  expect_silence([&] { ExAcquireResourceExclusiveLite(&resource, TRUE); });
  KeLeaveCriticalRegion();
  expect_violation([&] { ExReleaseResourceLite(&resource); }, 0x38, PASSIVE_LEVEL, 0, at(&resource));
  KeEnterGuardedRegion();
  expect_silence([&] { ExReleaseResourceLite(&resource); });
  KeLeaveGuardedRegion();
  expect_silence([&] {
    ExEnterCriticalRegionAndAcquireResourceShared(&resource);
    ExReleaseResourceAndLeaveCriticalRegion(&resource);
  });
}

TEST_F(RegionChecks, PushLocksWithApcsEnabled) {
  expect_violation([&] { ExAcquirePushLockExclusive(&lock); }, 0xEA, PASSIVE_LEVEL, 0, at(&lock));
  expect_violation([&] { ExAcquirePushLockShared(&lock); }, 0xEA, PASSIVE_LEVEL, 0, at(&lock));
  KeEnterCriticalRegion();
  expect_silence([&] { ExAcquirePushLockExclusive(&lock); });
  KeLeaveCriticalRegion();
  expect_violation([&] { ExReleasePushLockExclusive(&lock); }, 0xEB, PASSIVE_LEVEL, 0, at(&lock));
  const AtIrql apc(APC_LEVEL);
  expect_silence([&] {
    ExReleasePushLockExclusive(&lock);
    ExAcquirePushLockShared(&lock);
    ExReleasePushLockShared(&lock);
  });
}

TEST_F(RegionChecks, AHookMayEndACall) {
  vf::add_call_hook([](const api::Call &call, uint64_t &result) {
    result = 42;
    return call.id == api::Id::KeReadStateEvent;
  });
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, TRUE);
  EXPECT_EQ(KeReadStateEvent(&event), 42);
  stop_verifying();
  EXPECT_EQ(KeReadStateEvent(&event), 1);
}

TEST_F(RegionChecks, NothingIsCheckedInADriverThatIsNotVerified) {
  stop_verifying();
  expect_silence([&] {
    ExAcquirePushLockExclusive(&lock);
    ExReleasePushLockExclusive(&lock);
    KeLeaveCriticalRegion();
  });
  KeEnterCriticalRegion();
}

}  // namespace
}  // namespace ntemu::test
