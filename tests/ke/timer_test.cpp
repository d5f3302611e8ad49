#include "ntemu/ke/timer.h"

#include <limits>
#include <random>
#include <vector>

#include "ntemu/ke/timer_expiry.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

using base::kNtPerMillisecond;
using base::kNtPerSecond;

LARGE_INTEGER absolute(base::Nt100ns time) {
  LARGE_INTEGER due;
  due.QuadPart = time;
  return due;
}

class KeTimer : public FakeTimeTest {
 protected:
  KeTimer() { KeInitializeTimer(&timer); }
  LARGE_INTEGER in(base::Nt100ns duration) { return relative(duration); }
  KTIMER timer;
};

TEST_F(KeTimer, HasTheDocumentedHeader) {
  EXPECT_EQ(timer.Header.Type, 8);
  EXPECT_EQ(timer.Header.SignalState, 0);
  EXPECT_EQ(timer.Dpc, nullptr);
  EXPECT_EQ(timer.Period, 0u);
  KTIMER other;
  KeInitializeTimerEx(&other, SynchronizationTimer);
  EXPECT_EQ(other.Header.Type, 9);
  KeInitializeTimerEx(&other, NotificationTimer);
  EXPECT_EQ(other.Header.Type, 8);
}

TEST_F(KeTimer, ShowsWhetherItIsSetAndWhen) {
  clock.advance(kNtPerSecond);
  EXPECT_FALSE(timer.Header.Inserted);
  KeSetTimer(&timer, in(5 * kNtPerSecond), nullptr);
  EXPECT_TRUE(timer.Header.Inserted);
  EXPECT_FALSE(timer.Header.Absolute);
  EXPECT_EQ(timer.DueTime.QuadPart, ULONGLONG{6 * kNtPerSecond});
  const base::Nt100ns when = clock.system_time() + kNtPerSecond;
  KeSetTimer(&timer, absolute(when), nullptr);
  EXPECT_TRUE(timer.Header.Inserted);
  EXPECT_TRUE(timer.Header.Absolute);
  EXPECT_EQ(timer.DueTime.QuadPart, static_cast<ULONGLONG>(when));
  KeCancelTimer(&timer);
  EXPECT_FALSE(timer.Header.Inserted);
}

TEST_F(KeTimer, ExpiresWhenDueAndStaysSignaled) {
  EXPECT_FALSE(KeSetTimer(&timer, in(10), nullptr));
  clock.advance(9);
  EXPECT_EQ(poll(&timer), STATUS_TIMEOUT);
  EXPECT_FALSE(KeReadStateTimer(&timer));
  SystemThread waiter([&] { EXPECT_EQ(wait(&timer), STATUS_SUCCESS); });
  waiter.await_blocked();
  clock.advance(1);
  waiter.join();
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  EXPECT_TRUE(KeReadStateTimer(&timer));
  EXPECT_FALSE(KeCancelTimer(&timer));
  EXPECT_TRUE(KeReadStateTimer(&timer));
}

TEST_F(KeTimer, ASynchronizationTimerReleasesOneWaiter) {
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  KEVENT released;
  KeInitializeEvent(&released, SynchronizationEvent, FALSE);
  std::atomic<int> count{0};
  const auto body = [&] {
    EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
    count.fetch_add(1);
    KeSetEvent(&released, IO_NO_INCREMENT, FALSE);
  };
  SystemThread first(body), second(body);
  first.await_blocked();
  second.await_blocked();
  for (const int expected : {1, 2}) {
    KeSetTimer(&timer, in(10), nullptr);
    clock.advance(10);
    wait(&released);
    EXPECT_EQ(count, expected);
    EXPECT_FALSE(KeReadStateTimer(&timer));
  }
}

TEST_F(KeTimer, ANotificationTimerReleasesAllWaiters) {
  SystemThread first([&] { EXPECT_EQ(wait(&timer), STATUS_SUCCESS); });
  SystemThread second([&] { EXPECT_EQ(wait(&timer), STATUS_SUCCESS); });
  first.await_blocked();
  second.await_blocked();
  KeSetTimer(&timer, in(10), nullptr);
  clock.advance(10);
}

TEST_F(KeTimer, SettingItAgainReturnsTrueAndMovesIt) {
  EXPECT_FALSE(KeSetTimer(&timer, in(10), nullptr));
  EXPECT_TRUE(KeSetTimer(&timer, in(1000), nullptr));
  KTIMER probe;
  KeInitializeTimer(&probe);
  KeSetTimer(&probe, in(999), nullptr);
  clock.advance(999);
  wait(&probe);
  EXPECT_EQ(poll(&timer), STATUS_TIMEOUT);
  clock.advance(1);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
}

TEST_F(KeTimer, SettingASignaledOneClearsIt) {
  KeSetTimer(&timer, absolute(0), nullptr);
  EXPECT_TRUE(KeReadStateTimer(&timer));
  EXPECT_FALSE(KeSetTimer(&timer, in(10), nullptr));
  EXPECT_FALSE(KeReadStateTimer(&timer));
}

TEST_F(KeTimer, CancelTellsWhetherItWasSet) {
  EXPECT_FALSE(KeCancelTimer(&timer));
  KeSetTimer(&timer, in(10), nullptr);
  EXPECT_TRUE(KeCancelTimer(&timer));
  EXPECT_FALSE(KeCancelTimer(&timer));
  KTIMER probe;
  KeInitializeTimer(&probe);
  KeSetTimer(&probe, in(10), nullptr);
  clock.advance(10);
  wait(&probe);
  EXPECT_FALSE(KeReadStateTimer(&timer));
}

TEST_F(KeTimer, DueNowOrInThePastSignalsAtOnce) {
  for (const base::Nt100ns due : {base::Nt100ns{0}, base::Nt100ns{1}, clock.system_time()}) {
    KeInitializeTimer(&timer);
    EXPECT_FALSE(KeSetTimer(&timer, absolute(due), nullptr));
    EXPECT_TRUE(KeReadStateTimer(&timer));
    EXPECT_FALSE(KeCancelTimer(&timer));
  }
}

TEST_F(KeTimer, DueNowReleasesItsWaiters) {
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  SystemThread waiter([&] { EXPECT_EQ(wait(&timer), STATUS_SUCCESS); });
  waiter.await_blocked();
  KeSetTimer(&timer, absolute(0), nullptr);
  waiter.join();
  EXPECT_FALSE(KeReadStateTimer(&timer));
}

TEST_F(KeTimer, FarAwayIsNever) {
  KeSetTimer(&timer, absolute(MAXLONGLONG), nullptr);
  EXPECT_TRUE(KeCancelTimer(&timer));
  KeSetTimer(&timer, absolute(std::numeric_limits<LONGLONG>::min()), nullptr);
  EXPECT_TRUE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, APeriodicOneExpiresUntilCancelled) {
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  EXPECT_FALSE(KeSetTimerEx(&timer, in(10 * kNtPerMillisecond), 5, nullptr));
  EXPECT_EQ(timer.Period, 5u);
  clock.advance(10 * kNtPerMillisecond);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(poll(&timer), STATUS_TIMEOUT);
    clock.advance(5 * kNtPerMillisecond);
    EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  }
  EXPECT_TRUE(KeCancelTimer(&timer));
  EXPECT_FALSE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, PeriodsThatWereMissedAreOneExpiry) {
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  KeSetTimerEx(&timer, in(10 * kNtPerMillisecond), 10, nullptr);
  clock.advance(34 * kNtPerMillisecond);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  EXPECT_EQ(timer.DueTime.QuadPart, ULONGLONG{40 * kNtPerMillisecond});
  EXPECT_EQ(poll(&timer), STATUS_TIMEOUT);
  KeCancelTimer(&timer);
}

TEST_F(KeTimer, APeriodicOneThatIsDueNowStaysSet) {
  clock.advance(kNtPerSecond);
  EXPECT_FALSE(KeSetTimerEx(&timer, absolute(0), 10, nullptr));
  EXPECT_TRUE(KeReadStateTimer(&timer));
  EXPECT_EQ(timer.DueTime.QuadPart, ULONGLONG{kNtPerSecond + 10 * kNtPerMillisecond});
  EXPECT_FALSE(timer.Header.Absolute);
  EXPECT_TRUE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, ANegativePeriodIsNone) {
  KeSetTimerEx(&timer, absolute(0), -1, nullptr);
  EXPECT_FALSE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, ACoalescableOneExpiresToo) {
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  EXPECT_FALSE(KeSetCoalescableTimer(&timer, in(10), 3, 100, nullptr));
  EXPECT_EQ(timer.Period, 3u);
  clock.advance(10);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  EXPECT_TRUE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, AnAbsoluteOneFollowsTheSystemTime) {
  KTIMER other;
  KeInitializeTimer(&other);
  KeSetTimer(&timer, absolute(clock.system_time() + kNtPerSecond), nullptr);
  KeSetTimer(&other, in(kNtPerSecond), nullptr);
  clock.shift_system_time(kNtPerSecond);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  EXPECT_EQ(poll(&other), STATUS_TIMEOUT);
  clock.advance(kNtPerSecond);
  EXPECT_EQ(wait(&other), STATUS_SUCCESS);
}

TEST_F(KeTimer, AnAbsoluteOneIsLaterWhenTheSystemTimeIsSetBack) {
  KTIMER other;
  KeInitializeTimer(&other);
  KeSetTimer(&timer, absolute(clock.system_time() + kNtPerSecond), nullptr);
  KeSetTimer(&other, absolute(clock.system_time()), nullptr);
  clock.shift_system_time(-kNtPerSecond);
  KeSetTimer(&other, absolute(clock.system_time() + kNtPerSecond), nullptr);
  clock.advance(kNtPerSecond);
  EXPECT_EQ(wait(&other), STATUS_SUCCESS);
  EXPECT_EQ(poll(&timer), STATUS_TIMEOUT);
  clock.advance(kNtPerSecond);
  EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
}

TEST_F(KeTimer, AnEarlierOneThatIsSetLaterExpiresFirst) {
  KTIMER other;
  KeInitializeTimer(&other);
  KeSetTimer(&timer, in(10 * kNtPerSecond), nullptr);
  SystemThread waiter([&] { EXPECT_EQ(wait(&other), STATUS_SUCCESS); });
  waiter.await_blocked();
  KeSetTimer(&other, in(kNtPerSecond), nullptr);
  clock.advance(kNtPerSecond);
  waiter.join();
  EXPECT_TRUE(KeCancelTimer(&timer));
}

TEST_F(KeTimer, ThoseWithAWaiterArePending) {
  KeSetTimer(&timer, in(2 * kNtPerSecond), nullptr);
  ke::PendingTimers pending = ke::count_pending_timers(kNtPerSecond);
  EXPECT_EQ(pending.soon + pending.later, 0u);
  {
    SystemThread waiter([&] { wait(&timer); });
    waiter.await_blocked();
    pending = ke::count_pending_timers(kNtPerSecond);
    EXPECT_EQ(pending.later, 1u);
    EXPECT_EQ(pending.soon, 0u);
    clock.advance(kNtPerSecond);
    pending = ke::count_pending_timers(kNtPerSecond);
    EXPECT_EQ(pending.later, 0u);
    EXPECT_EQ(pending.soon, 1u);
    clock.advance(kNtPerSecond);
  }
  pending = ke::count_pending_timers(kNtPerSecond);
  EXPECT_EQ(pending.soon + pending.later, 0u);
}

TEST_F(KeTimer, WhatIsNoTimerIsReported) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  auto *wrong = reinterpret_cast<PKTIMER>(&event);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeSetTimer(wrong, absolute(0), nullptr); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeSetTimerEx(wrong, absolute(0), 0, nullptr); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeSetCoalescableTimer(wrong, absolute(0), 0, 0, nullptr); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeCancelTimer(wrong); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReadStateTimer(nullptr); }).code, 0x139u);
}

class KeTimerRest : public KernelTest {
 protected:
  KTIMER timer;
};

TEST_F(KeTimerRest, AMachineThatWaitsForATimerIsNotAtRestForEver) {
  KeInitializeTimer(&timer);
  SystemThread waiter([&] { wait(&timer); });
  waiter.await_blocked();
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kWaiting);
  KeSetTimer(&timer, relative(3600 * kNtPerSecond), nullptr);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt, true), Rest::kDelayed);
  KeSetTimer(&timer, relative(20 * kNtPerMillisecond), nullptr);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
}

TEST_F(KeTimerRest, ASetTimerDoesNotKeepTheMachineFromEnding) {
  KeInitializeTimer(&timer);
  KeSetTimerEx(&timer, relative(kNtPerMillisecond), 1, nullptr);
}

TEST(TimerTable, GivesTheTimersInTheOrderOfTheirDueTimes) {
  auto table = std::make_unique<ke::TimerTable>();
  table->clear();
  EXPECT_EQ(table->first(), nullptr);
  std::mt19937 random(1);
  std::vector<KTIMER> timers(2000);
  for (KTIMER &timer : timers) {
    timer = {};
    timer.DueTime.QuadPart = random() % (1u << 28);
    table->insert(timer);
  }
  for (size_t i = 0; i < timers.size(); i += 3) table->remove(timers[i]);
  size_t count = 0;
  base::Nt100ns last = 0;
  for (; KTIMER *first = table->first(); ++count) {
    EXPECT_EQ(ke::due_time(*first), table->next_due());
    EXPECT_GE(ke::due_time(*first), last);
    last = ke::due_time(*first);
    table->remove(*first);
  }
  EXPECT_EQ(count, timers.size() - (timers.size() + 2) / 3);
  EXPECT_EQ(table->next_due(), base::kForever);
}

using KeTimerTable = KernelTest;

TEST_F(KeTimerTable, StopsAtATimerThatWasInitializedWhileItWasSet) {
  auto table = std::make_unique<ke::TimerTable>();
  table->clear();
  KTIMER timers[3] = {};
  for (KTIMER &timer : timers) table->insert(timer);
  timers[1] = {};
  timers[1].DueTime.QuadPart = 1 << 20;  // in another bucket
  table->insert(timers[1]);
  const auto stops = [](const std::function<void()> &body) {
    const ke::Bugcheck stop = ke::catch_bugcheck(body);
    EXPECT_EQ(stop.code, 0x139u);
    EXPECT_EQ(stop.parameters[0], FAST_FAIL_CORRUPT_LIST_ENTRY);
  };
  stops([&] { table->for_each([](const KTIMER &) {}); });
  KTIMER late{};
  late.DueTime.QuadPart = 0;
  timers[2].DueTime.QuadPart = 1;  // looked at first, and passed over
  stops([&] { table->insert(late); });
}

using KeTimerStress = KernelTest;

TEST_F(KeTimerStress, RandomOperationsOnSharedTimers) {
  constexpr int kThreads = 8, kTimers = 4;
  const int kRounds = rounds(5000, 200000);
  KTIMER timers[kTimers];
  for (int i = 0; i < kTimers; ++i) {
    KeInitializeTimerEx(&timers[i], i % 2 ? SynchronizationTimer : NotificationTimer);
  }
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned seed = 0; seed < kThreads; ++seed) {
      threads.push_back(std::make_unique<SystemThread>([&, seed] {
        std::mt19937 random(seed_of(seed));
        for (int round = 0; round < kRounds; ++round) {
          KTIMER &timer = timers[random() % kTimers];
          LARGE_INTEGER due = relative(1 + random() % 2000);
          switch (random() % 8) {
            case 0:
              KeCancelTimer(&timer);
              break;
            case 1:
              KeReadStateTimer(&timer);
              break;
            case 2:
              due.QuadPart = base::clock().system_time() + static_cast<LONGLONG>(random() % 2000);
              KeSetTimer(&timer, due, nullptr);
              break;
            case 3:
              KeSetTimerEx(&timer, due, 1, nullptr);
              break;
            case 4: {
              const NTSTATUS status = wait(&timer, &due);
              EXPECT_TRUE(status == STATUS_SUCCESS || status == STATUS_TIMEOUT);
              break;
            }
            default:
              KeSetTimer(&timer, due, nullptr);
          }
        }
      }));
    }
  }
  for (KTIMER &timer : timers) KeCancelTimer(&timer);
  EXPECT_EQ(ke::timers().count, 0u);
  for (KTIMER &timer : timers) {
    EXPECT_FALSE(timer.Header.Inserted);
    KeSetTimer(&timer, relative(kNtPerMillisecond), nullptr);
    EXPECT_EQ(wait(&timer), STATUS_SUCCESS);
  }
  EXPECT_EQ(ke::timers().count, 0u);
}

}  // namespace
}  // namespace ntemu::test
