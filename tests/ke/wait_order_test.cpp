// In which order signals release waiters, with what priority, and signals that announce a wait.
#include <mutex>

#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

constexpr int kThreads = 10;

// An object of some kind, and how to signal it for one waiter and to give it back.
struct Kind {
  const char *name;
  void *object;
  std::function<void(KPRIORITY, BOOLEAN)> signal;
  std::function<void()> give_back = [] {};
};

class KeWaitOrder : public KernelTest {
 protected:
  Event synchronization;
  Semaphore semaphore;
  Mutex mutex;
  Mutant mutant;
  const Kind event_kind{"event", &synchronization, [this](KPRIORITY increment, BOOLEAN announced) {
                          KeSetEvent(&synchronization, increment, announced);
                        }};
  const Kind pulse_kind{"pulsed event", &synchronization, [this](KPRIORITY increment, BOOLEAN announced) {
                          KePulseEvent(&synchronization, increment, announced);
                        }};
  const Kind semaphore_kind{"semaphore", &semaphore, [this](KPRIORITY increment, BOOLEAN announced) {
                              KeReleaseSemaphore(&semaphore, increment, 1, announced);
                            }};
  const Kind mutex_kind{"mutex", &mutex, [this](KPRIORITY, BOOLEAN announced) { KeReleaseMutex(&mutex, announced); },
                        [this] { KeReleaseMutex(&mutex, FALSE); }};
  const Kind mutant_kind{
      "mutant", &mutant,
      [this](KPRIORITY increment, BOOLEAN announced) { KeReleaseMutant(&mutant, increment, FALSE, announced); },
      [this] { KeReleaseMutant(&mutant, 0, FALSE, FALSE); }};
  const std::vector<Kind> kinds{event_kind, pulse_kind, semaphore_kind, mutex_kind, mutant_kind};

  // Makes the object one that others have to wait for: the test owns the mutants.
  void take(const Kind &kind) { poll(kind.object); }
};

TEST_F(KeWaitOrder, IsThatOfArrivalForEveryKindOfObject) {
  for (const Kind &kind : kinds) {
    SCOPED_TRACE(kind.name);
    std::mutex guard;
    std::vector<int> order;
    take(kind);
    Crowd crowd(kThreads, [&](int i) {
      // Some wait for more than one object.
      Event other;
      const NTSTATUS status = i % 3 == 1 ? wait_any({&other, kind.object}) : wait(kind.object);
      EXPECT_EQ(status, i % 3 == 1 ? STATUS_WAIT_1 : STATUS_SUCCESS);
      {
        std::lock_guard lock(guard);
        order.push_back(i);
      }
      kind.give_back();
    });
    crowd.await_blocked();
    kind.signal(0, FALSE);
    const bool chain = kind.object == &mutex || kind.object == &mutant;  // each passes it on
    for (int i = 0; i < kThreads; ++i) {
      crowd[i].join();
      if (!chain && i + 1 < kThreads) {
        EXPECT_FALSE(crowd[i + 1].ended());
        kind.signal(0, FALSE);
      }
    }
    for (int i = 0; i < kThreads; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
    EXPECT_FALSE(has_waiters(*static_cast<DISPATCHER_HEADER *>(kind.object)));
  }
}

TEST_F(KeWaitOrder, NotificationEventReleasesAllAndStaysSet) {
  Event event(NotificationEvent);
  Crowd crowd(kThreads, [&](int) { EXPECT_EQ(wait(&event), STATUS_SUCCESS); });
  crowd.await_blocked();
  EXPECT_EQ(event.set(), 0);
  crowd.join();
  EXPECT_EQ(event.state(), 1);
  EXPECT_EQ(event.set(), 1);
}

TEST_F(KeWaitOrder, PulseReleasesWhoWaitsAndLeavesTheEventClear) {
  for (const EVENT_TYPE type : {NotificationEvent, SynchronizationEvent}) {
    Event event(type);
    EXPECT_EQ(KePulseEvent(&event, 0, FALSE), 0);
    EXPECT_EQ(event.state(), 0);
    event.set();
    EXPECT_EQ(KePulseEvent(&event, 0, FALSE), 1);
    EXPECT_EQ(event.state(), 0);
    Crowd crowd(3, [&](int) { EXPECT_EQ(wait(&event), STATUS_SUCCESS); });
    crowd.await_blocked();
    EXPECT_EQ(KePulseEvent(&event, 0, FALSE), 0);
    crowd[0].join();
    EXPECT_EQ(event.state(), 0);
    if (type == SynchronizationEvent) {
      EXPECT_FALSE(crowd[1].ended());
      KePulseEvent(&event, 0, FALSE), KePulseEvent(&event, 0, FALSE);
    }
    crowd.join();
    EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
  }
}

TEST_F(KeWaitOrder, AThreadsEndReleasesAllWhoWaitForIt) {
  Event go;
  SystemThread thread([&] { wait(&go); });
  Crowd crowd(kThreads, [&](int i) {
    Event never;
    EXPECT_EQ(wait_any({&never, &thread.thread()}), STATUS_WAIT_1) << i;
  });
  crowd.await_blocked();
  go.set();
  crowd.join();
}

TEST_F(KeWaitOrder, TheIncrementRaisesThePriorityUntilLaterWaits) {
  for (const Kind &kind : {event_kind, pulse_kind, semaphore_kind, mutant_kind}) {
    for (const KPRIORITY increment : {0, 3, 100}) {
      SCOPED_TRACE(kind.name);
      take(kind);
      Event awake, next;
      SystemThread thread([&] {
        wait(kind.object);
        kind.give_back();
        awake.set();
        wait(&next);
      });
      thread.await_blocked();
      EXPECT_EQ(thread.tcb().Priority, 8);
      kind.signal(increment, FALSE);
      wait(&awake);  // and soon asleep on `next`, whose wait has worn off one
      thread.await_blocked();
      const int boosted = std::min(8 + increment, LOW_REALTIME_PRIORITY - 1);
      EXPECT_EQ(thread.tcb().Priority, increment ? boosted - 1 : 8);
      EXPECT_EQ(thread.tcb().BasePriority, 8);
      next.set();
    }
  }
}

// An announced wait: the IRQL stays raised, and whom the signal released does not run, until the wait has begun.
TEST_F(KeWaitOrder, AnAnnouncedWaitBeginsBeforeTheReleasedThreadRuns) {
  for (const Kind &kind : kinds) {
    SCOPED_TRACE(kind.name);
    Event answer, start;
    std::atomic<int> steps{0};
    SystemThread asker([&] {
      take(kind);
      wait(&start);
      kind.signal(0, TRUE);
      EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
      for (int i = 0; i < 20; ++i) sched_yield();  // if it ran, it would now
      EXPECT_EQ(steps.load(), 0);
      EXPECT_EQ(wait(&answer), STATUS_SUCCESS);
      EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    });
    asker.await_blocked();
    SystemThread answerer([&] {
      EXPECT_EQ(wait(kind.object), STATUS_SUCCESS);
      EXPECT_TRUE(ke::is_asleep(asker.thread()));
      steps.store(1);
      kind.give_back();
      answer.set();
    });
    answerer.await_blocked();
    start.set();
    asker.join(), answerer.join();
  }
}

TEST_F(KeWaitOrder, AnyWaitFulfilsTheAnnouncement) {
  using Waits = std::function<void()>;
  Event ready(NotificationEvent, true), never;
  Queue queue;
  LARGE_INTEGER zero{}, soon = relative(1);
  const std::vector<Waits> waits{[&] { EXPECT_EQ(wait(&ready), STATUS_SUCCESS); },
                                 [&] {
                                   EXPECT_EQ(wait_any({&never, &ready}), STATUS_WAIT_1);
                                 },
                                 [&] {
                                   EXPECT_EQ(wait_all({&ready, &ready}), STATUS_SUCCESS);
                                 },
                                 [&] { EXPECT_EQ(poll(&never), STATUS_TIMEOUT); },
                                 [&] { EXPECT_EQ(wait(&never, &soon), STATUS_TIMEOUT); },
                                 [&] { KeDelayExecutionThread(KernelMode, FALSE, &zero); },
                                 [&] { KeDelayExecutionThread(KernelMode, FALSE, &soon); },
                                 [&] { queue.remove(&soon); }};
  for (size_t i = 0; i < waits.size(); ++i) {
    SCOPED_TRACE(i);
    SystemThread thread([&] { EXPECT_EQ(wait(&synchronization), STATUS_SUCCESS); });
    thread.await_blocked();
    KeSetEvent(&synchronization, 0, TRUE);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    waits[i]();
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    thread.join();
  }
}

TEST_F(KeWaitOrder, SeveralAnnouncementsReleaseAllTheirThreads) {
  Event other, never;
  wait(&mutex), wait(&mutex);
  SystemThread first([&] { EXPECT_EQ(wait(&synchronization), STATUS_SUCCESS); });
  SystemThread second([&] { EXPECT_EQ(wait(&other), STATUS_SUCCESS); });
  first.await_blocked(), second.await_blocked();
  KeSetEvent(&synchronization, 0, TRUE);
  KeSetEvent(&other, 0, TRUE);
  EXPECT_EQ(KeReleaseMutex(&mutex, TRUE), -1);
  EXPECT_EQ(poll(&never), STATUS_TIMEOUT);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  first.join(), second.join();
  mutex.release();
}

TEST_F(KeWaitOrder, AnAnnouncementAtDispatchLevelDoesNotAllowAWaitThere) {
  Event never;
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  never.set(0, TRUE);
  EXPECT_EQ(poll(&never), STATUS_SUCCESS);
  EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
  KeSetEvent(&synchronization, 0, TRUE);
  EXPECT_EQ(ke::catch_bugcheck([&] { wait(&never); }).code, 0xB8u);
  EXPECT_EQ(poll(&never), STATUS_TIMEOUT);
  KeLowerIrql(old);
}

}  // namespace
}  // namespace ntemu::test
