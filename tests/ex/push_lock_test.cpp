#include "tests/support/kernel_test.h"

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

TEST_F(ExPushLock, ExcludesWritersAndAdmitsReadersUnderContention) {
  const int kRounds = rounds(2000, 250000);
  long long value = 0, copy = 0;
  const auto writer = [&] {
    for (int i = 0; i < kRounds; ++i) {
      ExAcquirePushLockExclusive(&lock);
      value = value + 1;
      copy = copy + 1;
      ExReleasePushLockExclusive(&lock);
    }
  };
  const auto reader = [&] {
    for (int i = 0; i < kRounds; ++i) {
      ExAcquirePushLockShared(&lock);
      ASSERT_EQ(value, copy);
      ExReleasePushLockShared(&lock);
    }
  };
  { SystemThread a(writer), b(writer), c(reader), d(reader); }
  EXPECT_EQ(value, 2LL * kRounds);
  EXPECT_EQ(lock, 0u);
}

}  // namespace
}  // namespace ntemu::test
