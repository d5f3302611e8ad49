#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

using KeWaitForMultipleObjectsTest = FakeTimeTest;
using KeWaitAny = FakeTimeTest;
using KeWaitAll = FakeTimeTest;

TEST_F(KeWaitAny, ReturnsTheLowestSignaledIndexAndTakesOnlyThat) {
  Event a, b(SynchronizationEvent, true);
  Semaphore c(2);
  EXPECT_EQ(wait_any({&a, &b, &c}), STATUS_WAIT_1);
  EXPECT_EQ(c.state(), 2);
  EXPECT_EQ(wait_any({&a, &b, &c}), STATUS_WAIT_2);
  EXPECT_EQ(c.state(), 1);
  a.set();
  EXPECT_EQ(wait_any({&a, &b, &c}), STATUS_WAIT_0);
  EXPECT_EQ(c.state(), 1);
}

TEST_F(KeWaitAny, ASignaledObjectWithWaitersStillComesFirst) {
  Event a, missing, b(SynchronizationEvent, true);
  SystemThread thread([&] { EXPECT_EQ(wait_all({&a, &missing}), STATUS_SUCCESS); });
  thread.await_blocked();
  a.set();
  EXPECT_EQ(wait_any({&a, &b}), STATUS_WAIT_0);
  EXPECT_EQ(b.state(), 1);
  a.set(), missing.set();
}

TEST_F(KeWaitAny, IsEndedByTheObjectWhoseIndexItReturns) {
  Event events[5];
  Objects all;
  for (Event &event : events) all.push_back(&event);
  for (int i = 0; i < 5; ++i) {
    SystemThread thread([&] { EXPECT_EQ(wait_any(all), i); });
    thread.await_blocked();
    events[i].set();
    thread.join();
    for (Event &event : events) {
      EXPECT_EQ(event.state(), 0);
      EXPECT_FALSE(has_waiters(event.Header));
    }
  }
}

TEST_F(KeWaitAny, OfAnObjectGivenTwiceReturnsTheFirstIndex) {
  Event other, event;
  SystemThread thread([&] { EXPECT_EQ(wait_any({&other, &event, &event}), STATUS_WAIT_1); });
  thread.await_blocked();
  event.set();
  thread.join();
  EXPECT_EQ(event.state(), 0);
  EXPECT_FALSE(has_waiters(event.Header));
  EXPECT_FALSE(has_waiters(other.Header));
}

TEST_F(KeWaitAny, AnAbandonedMutantComesBeforeALaterObject) {
  Mutant mutant;
  Event event(NotificationEvent, true);
  {
    SystemThread owner([&] { wait(&mutant); });
  }
  EXPECT_EQ(wait_any({&mutant, &event}), STATUS_ABANDONED_WAIT_0);
  EXPECT_EQ(mutant.release(), 0);
}

TEST_F(KeWaitAny, TellsTheIndexOfAnAbandonedMutant) {
  Mutant mutant;
  Event event, go;
  SystemThread owner([&] { wait(&mutant), wait(&go); });
  owner.await_blocked();
  SystemThread waiter([&] {
    EXPECT_EQ(wait_any({&event, &event, &mutant}), STATUS_ABANDONED_WAIT_0 + 2);
    EXPECT_EQ(mutant.release(), 0);
    EXPECT_EQ(wait_any({&event, &event, &mutant}), STATUS_WAIT_2);
    EXPECT_EQ(mutant.release(), 0);
  });
  waiter.await_blocked();
  go.set();
}

TEST_F(KeWaitAny, NotesTheMutexThatItTookAsHeld) {
  Event event;
  Mutex mutex;
  EXPECT_EQ(wait_any({&event, &mutex}), STATUS_WAIT_1);
  EXPECT_EQ(ke::current().held.count(), 1u);
  EXPECT_EQ(ke::current().held[0].lock, &mutex);
  EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, -1);
  EXPECT_EQ(wait_any({&event, &mutex}), STATUS_WAIT_1);
  EXPECT_EQ(mutex.state(), -1);
  mutex.release(), mutex.release();
  EXPECT_EQ(ke::current().held.count(), 0u);
}

TEST_F(KeWaitAny, OfAMutexAtItsLimitRaises) {
  Mutex mutex;
  Event later(NotificationEvent, true);
  wait(&mutex);
  mutex.Header.SignalState = MINLONG;
  EXPECT_EQ(ke::catch_raise([&] { wait_any({&mutex, &later}); }), STATUS_MUTANT_LIMIT_EXCEEDED);
  EXPECT_FALSE(has_waiters(mutex.Header));
  mutex.Header.SignalState = 0;
  mutex.release();
}

TEST_F(KeWaitAll, TakesNothingUntilAllAreSignaled) {
  Semaphore semaphore(1);
  Mutex mutex;
  Event event;
  EXPECT_EQ(poll_all({&semaphore, &mutex, &event}), STATUS_TIMEOUT);
  EXPECT_EQ(semaphore.state(), 1);
  EXPECT_EQ(mutex.state(), 1);
  SystemThread thread([&] {
    EXPECT_EQ(wait_all({&semaphore, &mutex, &event}), STATUS_SUCCESS);
    EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, -1);
    EXPECT_EQ(ke::current().held.count(), 1u);
    EXPECT_EQ(mutex.release(), 0);
  });
  thread.await_blocked();
  EXPECT_EQ(semaphore.state(), 1);
  // Somebody else may take a part of it in between.
  EXPECT_EQ(poll(&semaphore), STATUS_SUCCESS);
  EXPECT_EQ(wait(&mutex), STATUS_SUCCESS);
  event.set();
  EXPECT_FALSE(thread.ended());
  EXPECT_EQ(event.state(), 1);
  mutex.release();
  EXPECT_FALSE(thread.ended());
  EXPECT_EQ(mutex.state(), 1);
  EXPECT_EQ(event.state(), 1);
  semaphore.release();
  thread.join();
  EXPECT_EQ(semaphore.state(), 0);
  EXPECT_EQ(event.state(), 0);
  EXPECT_EQ(mutex.state(), 1);
  for (const auto *header : {&semaphore.Header, &mutex.Header, &event.Header}) EXPECT_FALSE(has_waiters(*header));
}

TEST_F(KeWaitAll, LetsAnotherWaiterHaveWhatItCannotUseYet) {
  Event first, second;
  SystemThread all([&] { EXPECT_EQ(wait_all({&first, &second}), STATUS_SUCCESS); });
  all.await_blocked();
  SystemThread one([&] { EXPECT_EQ(wait(&first), STATUS_SUCCESS); });
  one.await_blocked();
  first.set();  // of no use to the older waiter
  one.join();
  EXPECT_EQ(first.state(), 0);
  second.set();
  EXPECT_FALSE(all.ended());
  first.set();
  all.join();
  EXPECT_EQ(second.state(), 0);
}

TEST_F(KeWaitAll, IsSatisfiedAtOnceWhenAllAreSignaled) {
  Semaphore semaphore(3);
  Mutex mutex;
  Event event(NotificationEvent, true);
  EXPECT_EQ(poll_all({&semaphore, &mutex, &event}), STATUS_SUCCESS);
  EXPECT_EQ(semaphore.state(), 2);
  EXPECT_EQ(mutex.state(), 0);
  EXPECT_EQ(event.state(), 1);
  mutex.release();
}

TEST_F(KeWaitAll, TellsOfAnAbandonedMutantWithoutAnIndex) {
  Mutant mutant;
  Event event(SynchronizationEvent, true);
  {
    SystemThread owner([&] { wait(&mutant); });
  }
  EXPECT_EQ(poll_all({&event, &mutant}), STATUS_ABANDONED);
  EXPECT_EQ(event.state(), 0);
  EXPECT_EQ(mutant.release(), 0);
  Event go;
  SystemThread owner([&] { wait(&mutant), wait(&go); });
  owner.await_blocked();
  SystemThread waiter([&] {
    EXPECT_EQ(wait_all({&event, &mutant}), STATUS_ABANDONED);
    EXPECT_EQ(mutant.release(), 0);
  });
  waiter.await_blocked();
  event.set(), go.set();
}

TEST_F(KeWaitAll, RecursesIntoAMutexOfItsOwn) {
  Mutex mutex;
  Event event, taken;
  SystemThread thread([&] {
    wait(&mutex);
    EXPECT_EQ(wait_all({&mutex, &event}), STATUS_SUCCESS);
    EXPECT_EQ(mutex.state(), -1);
    EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, -1);
    EXPECT_EQ(mutex.release(), -1);
    EXPECT_EQ(mutex.release(), 0);
  });
  thread.await_blocked();
  EXPECT_EQ(mutex.state(), 0);
  event.set();
}

TEST_F(KeWaitAll, TakesAMutexGivenTwiceTwice) {
  Mutex mutex;
  EXPECT_EQ(poll_all({&mutex, &mutex}), STATUS_SUCCESS);
  EXPECT_EQ(mutex.state(), -1);
  EXPECT_EQ(mutex.release(), -1);
  EXPECT_EQ(mutex.release(), 0);
}

TEST_F(KeWaitAll, OfAMutexAtItsLimitRaisesWhateverTheOthersAre) {
  for (const bool set : {true, false}) {
    Mutex mutex;
    Event event(NotificationEvent, set);
    wait(&mutex);
    mutex.Header.SignalState = MINLONG;
    EXPECT_EQ(ke::catch_raise([&] { poll_all({&event, &mutex}); }), STATUS_MUTANT_LIMIT_EXCEEDED);
    EXPECT_FALSE(has_waiters(mutex.Header));
    EXPECT_FALSE(has_waiters(event.Header));
    mutex.Header.SignalState = 0;
    mutex.release();
  }
}

TEST_F(KeWaitForMultipleObjectsTest, TakesAllKindsOfObjects) {
  Event notification(NotificationEvent), synchronization;
  Semaphore semaphore;
  Mutex mutex;
  SystemThread ended([] {});
  ended.join();
  EXPECT_EQ(poll_any({&notification, &synchronization, &semaphore, &ended.thread()}), STATUS_WAIT_3);
  EXPECT_EQ(poll_all({&mutex, &ended.thread()}), STATUS_SUCCESS);
  mutex.release();
}

TEST_F(KeWaitForMultipleObjectsTest, PollsAtDispatchLevelAndOnlyPolls) {
  Event a, b;
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  EXPECT_EQ(poll_any({&a, &b}), STATUS_TIMEOUT);
  EXPECT_EQ(poll_all({&a, &b}), STATUS_TIMEOUT);
  b.set();
  EXPECT_EQ(poll_any({&a, &b}), STATUS_WAIT_1);
  EXPECT_EQ(ke::catch_bugcheck([&] { wait_any({&a, &b}); }).code, 0xB8u);
  EXPECT_EQ(ke::catch_bugcheck([&] { wait_all({&a, &b}); }).code, 0xB8u);
  KeLowerIrql(old);
  EXPECT_FALSE(has_waiters(a.Header));
}

TEST_F(KeWaitForMultipleObjectsTest, OfNothingLastsItsTime) {
  for (const WAIT_TYPE type : {WaitAny, WaitAll}) {
    SystemThread thread([&] {
      LARGE_INTEGER timeout = relative(kNtPerSecond);
      EXPECT_EQ(wait_many(type, {}, &timeout), STATUS_TIMEOUT);
    });
    thread.await_blocked();
    clock.advance(kNtPerSecond - 1);
    EXPECT_FALSE(thread.ended());
    clock.advance(1);
  }
}

TEST_F(KeWaitForMultipleObjectsTest, TooManyObjectsAreBugcheckC) {
  Event event(NotificationEvent, true);
  const Objects many(65, &event);
  KWAIT_BLOCK blocks[65];
  const auto stop = [&](ULONG count, PKWAIT_BLOCK array, WAIT_TYPE type) {
    return ke::catch_bugcheck([&] {
             Objects objects = many;
             KeWaitForMultipleObjects(count, objects.data(), type, Executive, KernelMode, FALSE, nullptr, array);
           })
        .code;
  };
  for (const WAIT_TYPE type : {WaitAny, WaitAll}) {
    EXPECT_EQ(stop(3, nullptr, type), 0u);
    EXPECT_EQ(stop(4, nullptr, type), 0x0Cu);
    EXPECT_EQ(stop(64, blocks, type), 0u);
    EXPECT_EQ(stop(65, blocks, type), 0x0Cu);
  }
}

TEST_F(KeWaitForMultipleObjectsTest, TakesSixtyFourObjects) {
  Event events[MAXIMUM_WAIT_OBJECTS];
  Objects all;
  for (Event &event : events) all.push_back(&event);
  SystemThread any([&] { EXPECT_EQ(wait_any(all), 63); });
  any.await_blocked();
  SystemThread every([&] { EXPECT_EQ(wait_all(all), STATUS_SUCCESS); });
  every.await_blocked();
  events[63].set();
  any.join();
  for (Event &event : events) {
    EXPECT_FALSE(every.ended());
    event.set();
  }
  every.join();
  for (Event &event : events) {
    EXPECT_EQ(event.state(), 0);
    EXPECT_FALSE(has_waiters(event.Header));
  }
}

TEST_F(KeWaitForMultipleObjectsTest, GarbageAmongTheObjectsIsReportedBeforeAnythingIsTaken) {
  Event event(SynchronizationEvent, true);
  Queue queue;
  for (void *const garbage : {static_cast<void *>(nullptr), static_cast<void *>(&queue)}) {
    EXPECT_EQ(ke::catch_bugcheck([&] { wait_any({&event, garbage}); }).code, 0x139u);
    EXPECT_EQ(ke::catch_bugcheck([&] { wait_all({&event, garbage}); }).code, 0x139u);
  }
  EXPECT_EQ(event.state(), 1);
}

TEST_F(KeWaitForMultipleObjectsTest, ItsWaitBlocksAreTheCallersWhileItWaits) {
  Event events[2];
  KWAIT_BLOCK blocks[2];
  for (const WAIT_TYPE type : {WaitAny, WaitAll}) {
    for (KWAIT_BLOCK *const array : {static_cast<KWAIT_BLOCK *>(nullptr), blocks}) {
      SystemThread thread([&] {
        PVOID objects[] = {&events[0], &events[1]};
        LARGE_INTEGER timeout = relative(kNtPerSecond);
        EXPECT_EQ(KeWaitForMultipleObjects(2, objects, type, UserRequest, UserMode, FALSE, &timeout, array),
                  STATUS_TIMEOUT);
      });
      thread.await_blocked();
      const KTHREAD &tcb = thread.tcb();
      const KWAIT_BLOCK *const used = array ? array : tcb.WaitBlock;
      EXPECT_EQ(tcb.WaitBlockList, used);
      EXPECT_EQ(tcb.WaitReason, UserRequest);
      EXPECT_EQ(tcb.WaitMode, UserMode);
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(used[i].Object, &events[i]);
        EXPECT_EQ(used[i].Thread, &tcb);
        EXPECT_EQ(used[i].WaitType, type);
        EXPECT_EQ(used[i].WaitKey, type == WaitAny ? i : 0);
        EXPECT_EQ(used[i].BlockState, ke::kBlockActive);
        EXPECT_EQ(events[i].Header.WaitListHead.Flink, &used[i].WaitListEntry);
        EXPECT_EQ(events[i].Header.WaitListHead.Blink, &used[i].WaitListEntry);
      }
      clock.advance(kNtPerSecond);
      thread.join();
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(used[i].BlockState, ke::kBlockInactive);
        EXPECT_FALSE(has_waiters(events[i].Header));
      }
      EXPECT_EQ(tcb.WaitBlockList, nullptr);
    }
  }
}

TEST_F(KeWaitForMultipleObjectsTest, LeavesNoBlockBehindAfterATimeout) {
  Event a, b;
  SystemThread first([&] {
    LARGE_INTEGER timeout = relative(kNtPerSecond);
    EXPECT_EQ(wait_all({&a, &b}, &timeout), STATUS_TIMEOUT);
  });
  first.await_blocked();
  SystemThread second([&] { EXPECT_EQ(wait_any({&b, &a}), STATUS_WAIT_1); });
  second.await_blocked();
  clock.advance(kNtPerSecond);
  first.join();
  EXPECT_TRUE(has_waiters(a.Header));  // the other one's
  a.set();
  second.join();
  EXPECT_FALSE(has_waiters(a.Header));
  EXPECT_FALSE(has_waiters(b.Header));
}

}  // namespace
}  // namespace ntemu::test
