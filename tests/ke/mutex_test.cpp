#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

class KeMutex : public KernelTest {
 protected:
  KeMutex() { KeInitializeMutex(&mutex, 0); }
  KTHREAD &self() { return *KeGetCurrentThread(); }
  KMUTEX mutex;
};

TEST_F(KeMutex, HasTheDocumentedHeader) {
  EXPECT_EQ(mutex.Header.Type, 2);
  EXPECT_EQ(mutex.Header.MutantSize, sizeof(KMUTANT) / 4);
  EXPECT_EQ(mutex.Header.SignalState, 1);
  EXPECT_EQ(mutex.ApcDisable, 1);
  EXPECT_EQ(mutex.OwnerThread, nullptr);
}

TEST_F(KeMutex, ReadStateIsOneWhenFree) {
  EXPECT_EQ(KeReadStateMutex(&mutex), 1);
  wait(&mutex);
  EXPECT_EQ(KeReadStateMutex(&mutex), 0);
  KeReleaseMutex(&mutex, FALSE);
  EXPECT_EQ(KeReadStateMutex(&mutex), 1);
}

TEST_F(KeMutex, RecursionCountsDownAndReleaseReturnsThePriorState) {
  wait(&mutex);
  wait(&mutex);
  KeWaitForMutexObject(&mutex, Executive, KernelMode, FALSE, nullptr);
  EXPECT_EQ(KeReadStateMutex(&mutex), -2);
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), -2);
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), -1);
  EXPECT_EQ(mutex.OwnerThread, &self());
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), 0);
  EXPECT_EQ(mutex.OwnerThread, nullptr);
}

TEST_F(KeMutex, OnlyTheFirstAcquireDisablesApcs) {
  EXPECT_EQ(self().KernelApcDisable, 0);
  wait(&mutex);
  wait(&mutex);
  EXPECT_EQ(self().KernelApcDisable, -1);
  EXPECT_TRUE(KeAreApcsDisabled());
  KeReleaseMutex(&mutex, FALSE);
  EXPECT_EQ(self().KernelApcDisable, -1);
  KeReleaseMutex(&mutex, FALSE);
  EXPECT_EQ(self().KernelApcDisable, 0);
}

TEST_F(KeMutex, IsOnItsOwnersListWhileOwned) {
  wait(&mutex);
  EXPECT_EQ(self().MutantListHead.Flink, &mutex.MutantListEntry);
  KeReleaseMutex(&mutex, FALSE);
  EXPECT_TRUE(IsListEmpty(&self().MutantListHead));
}

TEST_F(KeMutex, ReleaseByAnotherThreadRaisesNotOwned) {
  EXPECT_EQ(ke::catch_raise([&] { KeReleaseMutex(&mutex, FALSE); }), STATUS_MUTANT_NOT_OWNED);
  EXPECT_EQ(KeReadStateMutex(&mutex), 1);
  wait(&mutex);
  NTSTATUS raised = STATUS_SUCCESS;
  SystemThread other([&] { raised = ke::catch_raise([&] { KeReleaseMutex(&mutex, FALSE); }); });
  other.join();
  EXPECT_EQ(raised, STATUS_MUTANT_NOT_OWNED);
  EXPECT_EQ(mutex.OwnerThread, &self());
  KeReleaseMutex(&mutex, FALSE);
}

TEST_F(KeMutex, UnhandledMisuseInASystemThreadIsBugcheck7E) {
  ke::Bugcheck stop{};
  SystemThread other([&] { stop = ke::catch_bugcheck([&] { KeReleaseMutex(&mutex, FALSE); }); });
  other.join();
  EXPECT_EQ(stop.code, 0x7Eu);
  EXPECT_EQ(stop.parameters[0], 0xFFFFFFFFC0000046u);
}

TEST_F(KeMutex, RecursionPastTheLimitRaises) {
  wait(&mutex);
  mutex.Header.SignalState = MINLONG;
  EXPECT_EQ(ke::catch_raise([&] { wait(&mutex); }), STATUS_MUTANT_LIMIT_EXCEEDED);
  EXPECT_EQ(mutex.Header.SignalState, MINLONG);
  mutex.Header.SignalState = 0;
  KeReleaseMutex(&mutex, FALSE);
}

TEST_F(KeMutex, PollByAnotherThreadTimesOut) {
  wait(&mutex);
  SystemThread other([&] { EXPECT_EQ(poll(&mutex), STATUS_TIMEOUT); });
  other.join();
  EXPECT_EQ(poll(&mutex), STATUS_SUCCESS);
  KeReleaseMutex(&mutex, FALSE), KeReleaseMutex(&mutex, FALSE);
}

TEST_F(KeMutex, PassesToTheWaiterWithItsApcCount) {
  wait(&mutex);
  SystemThread other([&] {
    EXPECT_EQ(wait(&mutex), STATUS_SUCCESS);
    EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, -1);
    EXPECT_EQ(mutex.OwnerThread, KeGetCurrentThread());
    KeReleaseMutex(&mutex, FALSE);
  });
  other.await_blocked();
  EXPECT_EQ(other.tcb().WaitReason, Executive);
  EXPECT_EQ(other.tcb().WaitBlockList->Object, &mutex);
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), 0);
  other.join();
  EXPECT_EQ(KeReadStateMutex(&mutex), 1);
}

TEST_F(KeMutex, ExcludesUnderContention) {
  constexpr int kThreads = 4;
  const int kRounds = rounds(2000, 250000);
  long long counter = 0;
  const auto body = [&] {
    for (int i = 0; i < kRounds; ++i) {
      wait(&mutex);
      counter = counter + 1;
      KeReleaseMutex(&mutex, FALSE);
    }
  };
  { SystemThread a(body), b(body), c(body), d(body); }
  EXPECT_EQ(counter, static_cast<long long>(kThreads) * kRounds);
}

TEST_F(KeMutex, GarbageIsReportedNotFollowed) {
  const auto garbage = reinterpret_cast<PRKMUTEX>(0x006500440073006f);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseMutex(garbage, FALSE); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { wait(nullptr); }).code, 0x139u);
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseMutex(reinterpret_cast<PRKMUTEX>(&event), FALSE); }).code, 0x139u);
}

}  // namespace
}  // namespace ntemu::test
