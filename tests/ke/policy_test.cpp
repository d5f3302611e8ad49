// A policy that lets one system thread run at a time, and takes the turn from it at every call: whatever blocks in the
// kernel must go through it, or the one that it waits for never runs.
#include "ntemu/base/peek.h"
#include "tests/support/round_robin.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

constexpr int kThreads = 3;

class Policy : public PolicyTest {
 protected:
  // Three threads that touch a counter between `acquire` and `release`; nothing else keeps them apart.
  template <class Acquire, class Release>
  void expect_exclusion(const Acquire &acquire, const Release &release) {
    constexpr int kRounds = 50;
    int counter = 0, inside = 0;
    {
      const auto body = [&] {
        for (int i = 0; i < kRounds; ++i) {
          acquire();
          EXPECT_EQ(inside++, 0);
          const int seen = counter;
          KeQueryInterruptTime();  // a point: the others have their turn
          counter = seen + 1;
          --inside;
          release();
        }
      };
      SystemThread a(body), b(body), c(body);
    }
    EXPECT_EQ(counter, kThreads * kRounds);
  }

  // A thread that runs `waits`, which blocks until `signals` has run on another.
  template <class Waits, class Signals>
  void expect_waits(const Waits &waits, const Signals &signals) {
    bool signaled = false;
    const unsigned before = policy.blocks();
    {
      SystemThread waiter([&] {
        waits();
        EXPECT_TRUE(signaled);
      });
      waiter.await_blocked();
      EXPECT_EQ(base::peek(&waiter.tcb().KernelStack), nullptr);  // not in the host's futex
      SystemThread signaler([&] {
        signaled = true;
        signals();
      });
    }
    EXPECT_GT(policy.blocks(), before);
  }
};

class PolicyOnOneProcessor : public PolicyTest {
 protected:
  PolicyOnOneProcessor() : PolicyTest(1) {}
};

TEST_F(Policy, OneThreadRunsAtATime) {
  constexpr int kRounds = 2000;
  int counter = 0, running = 0;
  const auto body = [&] {
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_EQ(++running, 1);
      counter = counter + 1;
      --running;
      KeQueryInterruptTime();
    }
  };
  { SystemThread a(body), b(body), c(body); }
  EXPECT_EQ(counter, kThreads * kRounds);
  EXPECT_GE(policy.turns(), static_cast<unsigned>(kThreads * kRounds));
}

TEST_F(Policy, TurnsGoRound) {
  std::string order;
  KEVENT begin;
  KeInitializeEvent(&begin, NotificationEvent, FALSE);
  const auto body = [&](char name) {
    return [&, name] {
      wait(&begin);
      for (int i = 0; i < 4; ++i) {
        order += name;
        KeQueryInterruptTime();
      }
    };
  };
  {
    SystemThread a(body('a')), b(body('b')), c(body('c'));
    for (SystemThread *thread : {&a, &b, &c}) thread->await_blocked();
    SystemThread starter([&] { KeSetEvent(&begin, 0, FALSE); });
  }
  EXPECT_EQ(order, "abcabcabcabc");
}

TEST_F(Policy, TimePassesWhenAllWait) {
  LARGE_INTEGER start, end;
  KEVENT begin;
  KeInitializeEvent(&begin, NotificationEvent, FALSE);
  KeQuerySystemTime(&start);
  {
    const auto body = [&](int seconds) {
      return [&begin, seconds] {
        wait(&begin);
        LARGE_INTEGER interval = relative(seconds * kNtPerSecond);
        EXPECT_EQ(KeDelayExecutionThread(KernelMode, FALSE, &interval), STATUS_SUCCESS);
      };
    };
    SystemThread a(body(1800)), b(body(60)), c(body(3600));
    for (SystemThread *thread : {&a, &b, &c}) thread->await_blocked();
    SystemThread starter([&] { KeSetEvent(&begin, 0, FALSE); });
  }
  KeQuerySystemTime(&end);
  EXPECT_EQ(end.QuadPart - start.QuadPart, 3600 * kNtPerSecond);
}

TEST_F(Policy, TimeoutsEnd) {
  SystemThread thread([] {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    LARGE_INTEGER timeout = relative(kNtPerSecond);
    EXPECT_EQ(wait(&event, &timeout), STATUS_TIMEOUT);
  });
}

TEST_F(Policy, GovernsMutexes) {
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  expect_exclusion([&] { wait(&mutex); }, [&] { KeReleaseMutex(&mutex, FALSE); });
}

TEST_F(Policy, GovernsFastAndGuardedMutexes) {
  FAST_MUTEX fast;
  ExInitializeFastMutex(&fast);
  expect_exclusion([&] { ExAcquireFastMutex(&fast); }, [&] { ExReleaseFastMutex(&fast); });
  KGUARDED_MUTEX guarded;
  KeInitializeGuardedMutex(&guarded);
  expect_exclusion([&] { KeAcquireGuardedMutex(&guarded); }, [&] { KeReleaseGuardedMutex(&guarded); });
}

TEST_F(Policy, GovernsPushLocks) {
  EX_PUSH_LOCK lock;
  ExInitializePushLock(&lock);
  expect_exclusion(
      [&] {
        KeEnterCriticalRegion();
        ExAcquirePushLockExclusiveEx(&lock, 0);
      },
      [&] {
        ExReleasePushLockExclusiveEx(&lock, 0);
        KeLeaveCriticalRegion();
      });
  ExAcquirePushLockExclusiveEx(&lock, 0);
  {
    SystemThread reader([&] {
      ExAcquirePushLockSharedEx(&lock, 0);
      ExReleasePushLockSharedEx(&lock, 0);
    });
    reader.await_blocked();
    EXPECT_EQ(base::peek(&reader.tcb().KernelStack), nullptr);
    ExReleasePushLockExclusiveEx(&lock, 0);
  }
}

TEST_F(Policy, GovernsResources) {
  ERESOURCE resource;
  ExInitializeResourceLite(&resource);
  expect_exclusion(
      [&] {
        KeEnterCriticalRegion();
        ExAcquireResourceExclusiveLite(&resource, TRUE);
      },
      [&] {
        ExReleaseResourceLite(&resource);
        KeLeaveCriticalRegion();
      });
  ExDeleteResourceLite(&resource);
}

TEST_F(Policy, GovernsSpinLocks) {
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  thread_local KIRQL irql;
  expect_exclusion([&] { KeAcquireSpinLock(&lock, &irql); }, [&] { KeReleaseSpinLock(&lock, irql); });
  thread_local KLOCK_QUEUE_HANDLE handle;
  expect_exclusion([&] { KeAcquireInStackQueuedSpinLock(&lock, &handle); },
                   [&] { KeReleaseInStackQueuedSpinLock(&handle); });
  EX_SPIN_LOCK shared = 0;
  expect_exclusion([&] { irql = ExAcquireSpinLockExclusive(&shared); },
                   [&] { ExReleaseSpinLockExclusive(&shared, irql); });
}

TEST_F(PolicyOnOneProcessor, GovernsProcessors) {
  int counter = 0;
  const auto body = [&] {
    for (int i = 0; i < 50; ++i) {
      const KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
      const int seen = counter;
      KeQueryInterruptTime();  // the others' turn: they want the processor
      counter = seen + 1;
      KeLowerIrql(irql);
    }
  };
  { SystemThread a(body), b(body), c(body); }
  EXPECT_EQ(counter, kThreads * 50);
}

TEST_F(Policy, GovernsWaitsForEachObject) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  expect_waits([&] { wait(&event); }, [&] { KeSetEvent(&event, 0, FALSE); });
  KSEMAPHORE semaphore;
  KeInitializeSemaphore(&semaphore, 0, 1);
  expect_waits([&] { wait(&semaphore); }, [&] { KeReleaseSemaphore(&semaphore, 0, 1, FALSE); });
  PVOID objects[] = {&event, &semaphore};
  expect_waits([&] { KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr); },
               [&] {
                 KeSetEvent(&event, 0, FALSE);
                 KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
               });
  KQUEUE queue;
  KeInitializeQueue(&queue, 1);
  LIST_ENTRY entry;
  expect_waits([&] { EXPECT_EQ(KeRemoveQueue(&queue, KernelMode, nullptr), &entry); },
               [&] { KeInsertQueue(&queue, &entry); });
  KeRundownQueue(&queue);
}

TEST_F(Policy, GovernsTimersThreadsAndDelays) {
  SystemThread waiter([&] {
    KTIMER timer;
    KeInitializeTimer(&timer);
    KeSetTimer(&timer, relative(kNtPerSecond), nullptr);
    LARGE_INTEGER interval = relative(2 * kNtPerSecond);
    KeDelayExecutionThread(KernelMode, FALSE, &interval);  // all wait: time passes
    EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
    HANDLE handle;
    const auto nothing = [](PVOID) {};
    ASSERT_EQ(PsCreateSystemThread(&handle, 0, nullptr, nullptr, nullptr, nothing, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS);
    ZwClose(handle);
  });
}

TEST_F(Policy, GovernsRundownAndRemoveLocks) {
  EX_RUNDOWN_REF rundown;
  ExInitializeRundownProtection(&rundown);
  ExAcquireRundownProtection(&rundown);
  expect_waits([&] { ExWaitForRundownProtectionRelease(&rundown); }, [&] { ExReleaseRundownProtection(&rundown); });
  IO_REMOVE_LOCK remove;
  int tag = 0;
  IoInitializeRemoveLock(&remove, 0x74736554, 0, 0);
  IoAcquireRemoveLock(&remove, &tag);
  IoAcquireRemoveLock(&remove, &tag);
  expect_waits([&] { IoReleaseRemoveLockAndWait(&remove, &tag); }, [&] { IoReleaseRemoveLock(&remove, &tag); });
}

TEST_F(Policy, GovernsWorkItems) {
  struct Context {
    WORK_QUEUE_ITEM item;
    KEVENT done;
  } context;
  KeInitializeEvent(&context.done, NotificationEvent, FALSE);
  SystemThread thread([&] {
    ExInitializeWorkItem(
        &context.item, [](PVOID parameter) { KeSetEvent(&static_cast<Context *>(parameter)->done, 0, FALSE); },
        &context);
    ExQueueWorkItem(&context.item, DelayedWorkQueue);
    EXPECT_EQ(wait(&context.done), STATUS_SUCCESS);
  });
}

TEST_F(Policy, ThreadsOfADyingMachineLeaveOneByOne) {
  static KEVENT never;
  KeInitializeEvent(&never, NotificationEvent, FALSE);
  for (int i = 0; i < 5; ++i) {
    HANDLE handle;
    const auto body = [](PVOID) { wait(&never); };
    ASSERT_EQ(PsCreateSystemThread(&handle, 0, nullptr, nullptr, nullptr, body, nullptr), STATUS_SUCCESS);
    ZwClose(handle);
  }
}

}  // namespace
}  // namespace ntemu::test
