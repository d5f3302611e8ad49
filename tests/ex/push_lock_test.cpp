#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

enum : ULONG_PTR { kLocked = 1, kWaiting = 2, kMultipleShared = 8, kReader = 16 };

class ExPushLock : public KernelTest {
 protected:
  ExPushLock() {
    ExInitializePushLock(&lock);
    KeEnterCriticalRegion();
  }
  ~ExPushLock() override { KeLeaveCriticalRegion(); }
  EX_PUSH_LOCK lock = ~ULONG_PTR{0};
};

TEST_F(ExPushLock, ShowsItsHoldersInItsBits) {
  EXPECT_EQ(lock, 0u);
  ExAcquirePushLockExclusive(&lock);
  EXPECT_EQ(lock, kLocked);
  ExReleasePushLockExclusive(&lock);
  EXPECT_EQ(lock, 0u);
  ExAcquirePushLockShared(&lock);
  ExAcquirePushLockShared(&lock);
  EXPECT_EQ(lock, 2 * kReader | kLocked);
  ExReleasePushLockShared(&lock);
  EXPECT_EQ(lock, kReader | kLocked);
  ExReleasePushLockShared(&lock);
  EXPECT_EQ(lock, 0u);
}

TEST_F(ExPushLock, ReleaseExFindsTheMode) {
  ExAcquirePushLockExclusive(&lock);
  ExReleasePushLockEx(&lock, 0);
  EXPECT_EQ(lock, 0u);
  ExAcquirePushLockShared(&lock);
  ExReleasePushLockEx(&lock, 0);
  EXPECT_EQ(lock, 0u);
}

TEST_F(ExPushLock, ConvertsOnlyASoleReader) {
  EXPECT_FALSE(ExTryConvertPushLockSharedToExclusive(&lock));
  ExAcquirePushLockShared(&lock);
  ExAcquirePushLockShared(&lock);
  EXPECT_FALSE(ExTryConvertPushLockSharedToExclusive(&lock));
  EXPECT_EQ(lock, 2 * kReader | kLocked);
  ExReleasePushLockShared(&lock);
  EXPECT_TRUE(ExTryConvertPushLockSharedToExclusive(&lock));
  EXPECT_EQ(lock, kLocked);
  ExReleasePushLockExclusive(&lock);
}

TEST_F(ExPushLock, DoesNotConvertPastAWaiter) {
  ExAcquirePushLockShared(&lock);
  SystemThread writer([&] {
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&lock);
    ExReleasePushLockExclusive(&lock);
    KeLeaveCriticalRegion();
  });
  writer.await_blocked();
  EXPECT_FALSE(ExTryConvertPushLockSharedToExclusive(&lock));
  ExReleasePushLockShared(&lock);
}

TEST_F(ExPushLock, TryFailsWhereAcquireWouldWait) {
  ExAcquirePushLockExclusive(&lock);
  EXPECT_FALSE(ExTryAcquirePushLockExclusiveEx(&lock, 0));
  EXPECT_FALSE(ExTryAcquirePushLockSharedEx(&lock, 0));
  ExReleasePushLockExclusive(&lock);
  EXPECT_TRUE(ExTryAcquirePushLockSharedEx(&lock, 0));
  EXPECT_TRUE(ExTryAcquirePushLockSharedEx(&lock, 0));
  EXPECT_FALSE(ExTryAcquirePushLockExclusiveEx(&lock, 0));
  ExReleasePushLockShared(&lock), ExReleasePushLockShared(&lock);
  EXPECT_TRUE(ExTryAcquirePushLockExclusiveEx(&lock, 0));
  ExReleasePushLockExclusive(&lock);
}

TEST_F(ExPushLock, ReadersQueueBehindAWriter) {
  ExAcquirePushLockShared(&lock);
  SystemThread writer([&] {
    ExAcquirePushLockExclusive(&lock);
    EXPECT_NE(lock & kLocked, 0u);
    ExReleasePushLockExclusive(&lock);
  });
  writer.await_blocked();
  EXPECT_EQ(writer.tcb().WaitReason, WrPushLock);
  EXPECT_EQ(lock & 15, kLocked | kWaiting);
  SystemThread reader([&] {
    ExAcquirePushLockShared(&lock);
    ExReleasePushLockShared(&lock);
  });
  reader.await_blocked();
  EXPECT_FALSE(ExTryAcquirePushLockSharedEx(&lock, 0));
  ExReleasePushLockShared(&lock);
  writer.join(), reader.join();
  EXPECT_EQ(lock, 0u);
}

TEST_F(ExPushLock, ReadersTogetherTakeTheLockFromAWriter) {
  ExAcquirePushLockExclusive(&lock);
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  const auto body = [&] {
    ExAcquirePushLockShared(&lock);
    wait(&go);
    ExReleasePushLockShared(&lock);
  };
  SystemThread first(body), second(body);
  first.await_blocked(), second.await_blocked();
  ExReleasePushLockExclusive(&lock);
  EXPECT_EQ(lock, 2 * kReader | kLocked);
  KeSetEvent(&go, 0, FALSE);
  first.join(), second.join();
  EXPECT_EQ(lock, 0u);
}

TEST_F(ExPushLock, ReleaseOfAFreeLockIsABugcheck) {
  EXPECT_EQ(ke::catch_bugcheck([&] { ExReleasePushLockExclusive(&lock); }).code, 0x162u);
  EXPECT_EQ(ke::catch_bugcheck([&] { ExReleasePushLockShared(&lock); }).code, 0x162u);
  ExAcquirePushLockShared(&lock);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { ExReleasePushLockExclusive(&lock); });
  EXPECT_EQ(stop.code, 0x162u);
  EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(&lock));
  ExReleasePushLockShared(&lock);
}

TEST_F(ExPushLock, ReleaseByAThreadThatDoesNotHoldItIsABugcheck) {
  const auto refused = [&](const auto &release) {
    SystemThread other([&] {
      const ke::Bugcheck stop = ke::catch_bugcheck([&] { release(&lock, 0); });
      EXPECT_EQ(stop.code, 0x162u);
      EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(&ke::current()));
      EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(&lock));
      EXPECT_EQ(stop.parameters[2], 0xFFFFFFFFu);
      EXPECT_EQ(stop.parameters[3], 0u);
    });
  };
  ExAcquirePushLockExclusive(&lock);
  refused(ExReleasePushLockExclusiveEx);
  refused(ExReleasePushLockEx);
  EXPECT_EQ(lock, kLocked);
  ExReleasePushLockExclusive(&lock);
  ExAcquirePushLockShared(&lock);
  refused(ExReleasePushLockSharedEx);
  refused(ExReleasePushLockEx);
  EXPECT_EQ(lock, kReader | kLocked);
  ExReleasePushLockShared(&lock);
}

TEST_F(ExPushLock, WithTooManyLocksHeldNobodyIsBlamed) {
  constexpr size_t kMany = ke::HeldLocks::kMost + 1;
  EX_PUSH_LOCK locks[kMany] = {};
  for (EX_PUSH_LOCK &one : locks) ExAcquirePushLockExclusive(&one);
  ExReleasePushLockExclusive(&locks[3]);
  ExReleasePushLockExclusive(&locks[kMany - 1]);  // which the record has no room for
  for (EX_PUSH_LOCK &one : locks) {
    if (one) ExReleasePushLockExclusive(&one);
  }
  EXPECT_EQ(ke::current().held.count(), 0u);
  EXPECT_EQ(ke::catch_bugcheck([&] { ExReleasePushLockExclusive(&locks[0]); }).code, 0x162u);
}

TEST_F(ExPushLock, IsRecordedAsHeld) {
  const ke::HeldLocks &held = ke::current().held;
  ExAcquirePushLockShared(&lock);
  ASSERT_EQ(held.count(), 1u);
  EXPECT_EQ(held[0].lock, &lock);
  EXPECT_EQ(held[0].kind(), ke::LockKind::kPushLockShared);
  EXPECT_NE(held[0].site(), nullptr);
  ASSERT_TRUE(ExTryConvertPushLockSharedToExclusive(&lock));
  EXPECT_EQ(held[0].kind(), ke::LockKind::kPushLockExclusive);
  ExReleasePushLockExclusive(&lock);
  EXPECT_EQ(held.count(), 0u);
}

using ExPushLockStress = ExPushLock;

TEST_F(ExPushLockStress, ExcludesWritersAndAdmitsReaders) {
  const int kRounds = rounds(500, 100000);
  Guarded guarded;
  std::atomic<long long> changes{0};
  const auto change = [&] {
    guarded.change();
    ++changes;
  };
  stress([&](std::mt19937 &random, int) {
    KeEnterCriticalRegion();
    for (int i = 0; i < kRounds; ++i) {
      switch (random() % 6) {
        case 0:
          ExAcquirePushLockExclusive(&lock);
          change();
          ExReleasePushLockExclusive(&lock);
          break;
        case 1:
          if (!ExTryAcquirePushLockExclusive(&lock)) break;
          change();
          ExReleasePushLock(&lock);
          break;
        case 2:
          if (!ExTryAcquirePushLockShared(&lock)) break;
          EXPECT_TRUE(guarded.whole());
          ExReleasePushLock(&lock);
          break;
        case 3:
          ExAcquirePushLockShared(&lock);
          EXPECT_TRUE(guarded.whole());
          if (ExTryConvertPushLockSharedToExclusive(&lock)) change();
          ExReleasePushLock(&lock);
          break;
        default:
          ExAcquirePushLockShared(&lock);
          EXPECT_TRUE(guarded.whole());
          ExReleasePushLockShared(&lock);
      }
    }
    KeLeaveCriticalRegion();
    EXPECT_EQ(ke::current().held.count(), 0u);
  });
  EXPECT_EQ(guarded.first, changes.load());
  EXPECT_TRUE(guarded.whole());
  EXPECT_EQ(lock, 0u);
}

}  // namespace
}  // namespace ntemu::test
