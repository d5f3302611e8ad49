#include <sched.h>

#include <random>
#include <vector>

#include "ntemu/ke/timer.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

// What a timer's callbacks leave behind.
struct Seen {
  KEVENT called, deleted;
  std::atomic<int> calls{0}, deletions{0};
  std::atomic<KIRQL> irql{0};
  std::atomic<PEX_TIMER> timer{nullptr};
  Seen() {
    KeInitializeEvent(&called, SynchronizationEvent, FALSE);
    KeInitializeEvent(&deleted, NotificationEvent, FALSE);
  }
  static VOID on_expiry(PEX_TIMER timer, PVOID context) {
    auto &seen = *static_cast<Seen *>(context);
    seen.timer = timer;
    seen.irql = KeGetCurrentIrql();
    seen.calls.fetch_add(1);
    KeSetEvent(&seen.called, IO_NO_INCREMENT, FALSE);
  }
  static VOID on_deletion(PVOID context) {
    auto &seen = *static_cast<Seen *>(context);
    seen.deletions.fetch_add(1);
    KeSetEvent(&seen.deleted, IO_NO_INCREMENT, FALSE);
  }
  EXT_DELETE_PARAMETERS deletion() {
    EXT_DELETE_PARAMETERS parameters;
    ExInitializeDeleteTimerParameters(&parameters);
    parameters.DeleteCallback = on_deletion;
    parameters.DeleteContext = this;
    return parameters;
  }
};

class ExTimer : public FakeTimeTest {
 protected:
  PEX_TIMER make(ULONG attributes = 0) { return ExAllocateTimer(Seen::on_expiry, &seen, attributes); }
  Seen seen;
};

TEST_F(ExTimer, CallsBackAtDispatchLevel) {
  const PEX_TIMER timer = make();
  EXPECT_FALSE(ExSetTimer(timer, -10, 0, nullptr));
  clock.advance(10);
  wait(&seen.called);
  EXPECT_EQ(seen.irql, DISPATCH_LEVEL);
  EXPECT_EQ(seen.timer, timer);
  EXPECT_FALSE(ExDeleteTimer(timer, TRUE, TRUE, nullptr));
  EXPECT_EQ(seen.calls, 1);
}

TEST_F(ExTimer, DueNowCallsBackOnAnotherThread) {
  const PEX_TIMER timer = make(EX_TIMER_HIGH_RESOLUTION);
  const KIRQL irql = KeRaiseIrqlToDpcLevel();
  EXPECT_FALSE(ExSetTimer(timer, 0, 0, nullptr));
  KeLowerIrql(irql);
  EXPECT_EQ(wait(&seen.called), STATUS_SUCCESS);
  ExDeleteTimer(timer, TRUE, TRUE, nullptr);
}

TEST_F(ExTimer, IsWaitedForAsItsAttributesSay) {
  const PEX_TIMER synchronization = ExAllocateTimer(nullptr, nullptr, EX_TIMER_NO_WAKE);
  const PEX_TIMER notification = ExAllocateTimer(nullptr, nullptr, EX_TIMER_NOTIFICATION);
  EXT_SET_PARAMETERS parameters;
  ExInitializeSetTimerParameters(&parameters);
  EXPECT_EQ(parameters.NoWakeTolerance, 0);
  parameters.NoWakeTolerance = EX_TIMER_UNLIMITED_TOLERANCE;
  ExSetTimer(synchronization, -10, 0, &parameters);
  ExSetTimer(notification, -10, 0, nullptr);
  clock.advance(10);
  EXPECT_EQ(wait(synchronization), STATUS_SUCCESS);
  EXPECT_EQ(poll(synchronization), STATUS_TIMEOUT);
  EXPECT_EQ(wait(notification), STATUS_SUCCESS);
  EXPECT_EQ(poll(notification), STATUS_SUCCESS);
  ExDeleteTimer(synchronization, TRUE, TRUE, nullptr);
  ExDeleteTimer(notification, TRUE, TRUE, nullptr);
}

TEST_F(ExTimer, APeriodNeedNotBeMilliseconds) {
  const PEX_TIMER timer = make();
  ExSetTimer(timer, -10, 7, nullptr);
  clock.advance(10);
  wait(&seen.called);
  for (int i = 2; i < 6; ++i) {
    clock.advance(7);
    wait(&seen.called);
    EXPECT_EQ(seen.calls, i);
  }
  EXPECT_TRUE(ExCancelTimer(timer, nullptr));
  EXPECT_FALSE(ExCancelTimer(timer, nullptr));
  ExDeleteTimer(timer, TRUE, TRUE, nullptr);
}

TEST_F(ExTimer, SettingItAgainCancelsIt) {
  const PEX_TIMER timer = make();
  EXPECT_FALSE(ExSetTimer(timer, -10, 0, nullptr));
  EXPECT_TRUE(ExSetTimer(timer, -20, 0, nullptr));
  clock.advance(20);
  wait(&seen.called);
  ExDeleteTimer(timer, TRUE, TRUE, nullptr);
  EXPECT_EQ(seen.calls, 1);
}

TEST_F(ExTimer, DeletionWithCancelTellsWhetherItWasSet) {
  PEX_TIMER timer = make();
  ExSetTimer(timer, -10, 0, nullptr);
  EXT_DELETE_PARAMETERS parameters = seen.deletion();
  EXPECT_TRUE(ExDeleteTimer(timer, TRUE, FALSE, &parameters));
  EXPECT_EQ(seen.deletions, 1);
  timer = make();
  EXPECT_FALSE(ExDeleteTimer(timer, TRUE, TRUE, &parameters));
  EXPECT_EQ(seen.deletions, 2);
  EXPECT_EQ(seen.calls, 0);
}

TEST_F(ExTimer, DeletionWithoutCancelLetsItExpireOnceMore) {
  const PEX_TIMER timer = make();
  ExSetTimer(timer, -10, 10, nullptr);
  EXT_DELETE_PARAMETERS parameters = seen.deletion();
  EXPECT_FALSE(ExDeleteTimer(timer, FALSE, FALSE, &parameters));
  EXPECT_EQ(seen.deletions, 0);
  EXPECT_FALSE(ExSetTimer(timer, -1, 0, nullptr));
  EXPECT_FALSE(ExCancelTimer(timer, nullptr));
  EXPECT_FALSE(ExDeleteTimer(timer, TRUE, TRUE, nullptr));
  clock.advance(10);
  wait(&seen.deleted);
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(seen.deletions, 1);
}

TEST_F(ExTimer, CanBeDeletedByItsCallback) {
  struct Own {
    KEVENT deleted;
    static VOID on_expiry(PEX_TIMER timer, PVOID context) {
      EXT_DELETE_PARAMETERS parameters;
      ExInitializeDeleteTimerParameters(&parameters);
      parameters.DeleteCallback = [](PVOID own) {
        KeSetEvent(&static_cast<Own *>(own)->deleted, IO_NO_INCREMENT, FALSE);
      };
      parameters.DeleteContext = context;
      EXPECT_TRUE(ExDeleteTimer(timer, TRUE, FALSE, &parameters));  // set: it is periodic
      EXPECT_EQ(KeReadStateEvent(&static_cast<Own *>(context)->deleted), 0);
    }
  } own;
  KeInitializeEvent(&own.deleted, NotificationEvent, FALSE);
  ExSetTimer(ExAllocateTimer(Own::on_expiry, &own, 0), -10, 10, nullptr);
  clock.advance(10);
  EXPECT_EQ(wait(&own.deleted), STATUS_SUCCESS);
}

TEST_F(ExTimer, DeletionWaitsForTheCallback) {
  struct Held {
    std::atomic<bool> entered{false}, go{false};
    static VOID on_expiry(PEX_TIMER, PVOID context) {
      auto &held = *static_cast<Held *>(context);
      held.entered = true;
      while (!held.go) sched_yield();
    }
  } held;
  const PEX_TIMER timer = ExAllocateTimer(Held::on_expiry, &held, 0);
  ExSetTimer(timer, -10, 0, nullptr);
  clock.advance(10);
  while (!held.entered) sched_yield();
  EXT_DELETE_PARAMETERS parameters = seen.deletion();
  SystemThread deleter([&] {
    EXPECT_FALSE(ExDeleteTimer(timer, TRUE, TRUE, &parameters));
    EXPECT_TRUE(held.go);
    EXPECT_EQ(seen.deletions, 1);
  });
  deleter.await_blocked();
  EXPECT_EQ(seen.deletions, 0);
  held.go = true;
}

TEST_F(ExTimer, MisuseIsABugcheck) {
  const PEX_TIMER timer = make();
  EXPECT_EQ(ke::catch_bugcheck([&] { ExDeleteTimer(timer, FALSE, TRUE, nullptr); }).code, 0xC7u);
  EXPECT_EQ(ke::catch_bugcheck([&] { make(EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE); }).code, 0xC7u);
  EXT_SET_PARAMETERS parameters;
  ExInitializeSetTimerParameters(&parameters);
  parameters.NoWakeTolerance = -2;
  EXPECT_EQ(ke::catch_bugcheck([&] { ExSetTimer(timer, -1, 0, &parameters); }).code, 0xC7u);
  ExDeleteTimer(timer, TRUE, TRUE, nullptr);
}

TEST_F(ExTimer, OneWithACallbackIsPending) {
  const PEX_TIMER timer = make();
  ExSetTimer(timer, -2 * kNtPerSecond, 0, nullptr);
  EXPECT_EQ(ke::count_pending_timers(kNtPerSecond).later, 1u);
  EXPECT_TRUE(ExDeleteTimer(timer, TRUE, TRUE, nullptr));
  EXPECT_EQ(ke::count_pending_timers(kNtPerSecond).later, 0u);
}

using ExTimerStress = KernelTest;

// Whatever was set has been cancelled, or has called back once.
TEST_F(ExTimerStress, EverySetIsCancelledOrCallsBackOnce) {
  constexpr int kThreads = 8, kTimers = 4;
  const int kRounds = rounds(5000, 200000);
  std::atomic<int> calls{0}, sets{0}, cancelled{0}, deletions{0};
  const auto on_expiry = [](PEX_TIMER, PVOID count) { static_cast<std::atomic<int> *>(count)->fetch_add(1); };
  PEX_TIMER timers[kTimers];
  for (PEX_TIMER &timer : timers) timer = ExAllocateTimer(on_expiry, &calls, 0);
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned seed = 0; seed < kThreads; ++seed) {
      threads.push_back(std::make_unique<SystemThread>([&, seed] {
        std::mt19937 random(seed_of(seed));
        for (int round = 0; round < kRounds; ++round) {
          const PEX_TIMER timer = timers[random() % kTimers];
          if (random() % 4 == 0) {
            if (ExCancelTimer(timer, nullptr)) cancelled.fetch_add(1);
            continue;
          }
          const LONGLONG due = -static_cast<LONGLONG>(1 + random() % 1000);
          sets.fetch_add(1);
          if (ExSetTimer(timer, random() % 8 ? due : base::clock().system_time() - due, 0, nullptr)) {
            cancelled.fetch_add(1);
          }
        }
      }));
    }
  }
  EXT_DELETE_PARAMETERS parameters;
  ExInitializeDeleteTimerParameters(&parameters);
  parameters.DeleteCallback = [](PVOID count) { static_cast<std::atomic<int> *>(count)->fetch_add(1); };
  parameters.DeleteContext = &deletions;
  for (const PEX_TIMER timer : timers) {
    if (ExDeleteTimer(timer, TRUE, TRUE, &parameters)) cancelled.fetch_add(1);
  }
  EXPECT_EQ(sets, cancelled + calls);
  EXPECT_EQ(deletions, kTimers);
}

}  // namespace
}  // namespace ntemu::test
