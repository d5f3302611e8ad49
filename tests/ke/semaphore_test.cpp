#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using KeSemaphore = KernelTest;

TEST_F(KeSemaphore, HasTheDocumentedHeader) {
  Semaphore semaphore(2, 5);
  EXPECT_EQ(semaphore.Header.Type, 5);
  EXPECT_EQ(semaphore.Header.Size, sizeof(KSEMAPHORE) / 4);
  EXPECT_EQ(semaphore.Header.SignalState, 2);
  EXPECT_EQ(semaphore.Limit, 5);
  EXPECT_TRUE(IsListEmpty(&semaphore.Header.WaitListHead));
}

TEST_F(KeSemaphore, EachWaitTakesOne) {
  Semaphore semaphore(2);
  EXPECT_EQ(poll(&semaphore), STATUS_SUCCESS);
  EXPECT_EQ(semaphore.state(), 1);
  EXPECT_EQ(poll(&semaphore), STATUS_SUCCESS);
  EXPECT_EQ(poll(&semaphore), STATUS_TIMEOUT);
  EXPECT_EQ(semaphore.state(), 0);
}

TEST_F(KeSemaphore, ReleaseReturnsThePriorCount) {
  Semaphore semaphore(0, 10);
  EXPECT_EQ(semaphore.release(3), 0);
  EXPECT_EQ(semaphore.release(7), 3);
  EXPECT_EQ(semaphore.state(), 10);
}

TEST_F(KeSemaphore, ReleasePastTheLimitRaisesAndLeavesTheCount) {
  Semaphore semaphore(3, 4);
  Semaphore large(MAXLONG - 1, MAXLONG);
  for (const bool announced : {false, true}) {
    for (const LONG adjustment : {2, 0, -1, static_cast<LONG>(MINLONG), static_cast<LONG>(MAXLONG)}) {
      EXPECT_EQ(ke::catch_raise([&] { KeReleaseSemaphore(&semaphore, 0, adjustment, announced); }),
                STATUS_SEMAPHORE_LIMIT_EXCEEDED);
      EXPECT_EQ(semaphore.state(), 3);
    }
    EXPECT_EQ(ke::catch_raise([&] { KeReleaseSemaphore(&large, 0, 2, announced); }), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQ(large.state(), MAXLONG - 1);
  }
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_EQ(static_cast<ULONG>(STATUS_SEMAPHORE_LIMIT_EXCEEDED), 0xC0000047u);
  EXPECT_FALSE(has_waiters(semaphore.Header));
}

TEST_F(KeSemaphore, ReleasePastTheLimitWithWaitersReleasesNobody) {
  Semaphore semaphore(0, 1);
  SystemThread thread([&] { EXPECT_EQ(wait(&semaphore), STATUS_SUCCESS); });
  thread.await_blocked();
  EXPECT_EQ(ke::catch_raise([&] { semaphore.release(2); }), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  EXPECT_FALSE(thread.ended());
  EXPECT_EQ(semaphore.release(), 0);
}

TEST_F(KeSemaphore, ReleasesAsManyWaitersAsItsAdjustment) {
  Semaphore semaphore;
  std::atomic<int> done{0};
  Crowd crowd(10, [&](int) {
    EXPECT_EQ(wait(&semaphore), STATUS_SUCCESS);
    done.fetch_add(1);
  });
  crowd.await_blocked();
  EXPECT_EQ(semaphore.release(4), 0);
  for (int i = 0; i < 4; ++i) crowd[i].join();
  for (int i = 4; i < 10; ++i) EXPECT_FALSE(crowd[i].ended());
  EXPECT_EQ(done.load(), 4);
  EXPECT_EQ(semaphore.state(), 0);
  EXPECT_EQ(semaphore.release(8), 0);
  crowd.join();
  EXPECT_EQ(semaphore.state(), 2);
}

TEST_F(KeSemaphore, GarbageIsReportedNotFollowed) {
  Event event;
  const auto other = reinterpret_cast<PRKSEMAPHORE>(&event);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseSemaphore(other, 0, 1, FALSE); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReadStateSemaphore(other); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseSemaphore(nullptr, 0, 1, FALSE); }).code, 0x139u);
}

}  // namespace
}  // namespace ntemu::test
