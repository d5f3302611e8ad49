#include "ntemu/ps/ps.h"
#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

// An APC that writes down what runs, and at which IRQL.
struct Apc : KAPC {
  enum Kind { kSpecial, kNormal, kUser };

  Apc(KTHREAD &thread, Kind kind, int number, std::vector<int> &into, bool rundown = true) : id(number), log(&into) {
    KeInitializeApc(this, &thread, OriginalApcEnvironment, run_kernel, rundown ? run_rundown : nullptr,
                    kind == kSpecial ? nullptr : run_normal, kind == kUser ? UserMode : KernelMode, this);
  }
  bool queue(KPRIORITY increment = 0) { return KeInsertQueueApc(this, this, &id, increment); }

  static VOID NTAPI run_kernel(PRKAPC apc, PKNORMAL_ROUTINE *routine, PVOID *context, PVOID *first, PVOID *second) {
    Apc &self = *static_cast<Apc *>(apc);
    EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
    EXPECT_EQ(&ke::current().Tcb, apc->Thread);
    EXPECT_FALSE(apc->Inserted);
    EXPECT_EQ(*first, apc);
    EXPECT_EQ(*second, &self.id);
    EXPECT_EQ(*context, *routine ? apc : nullptr);
    self.log->push_back(self.id);
    if (self.clears_routine) *routine = nullptr;
    if (self.in_kernel) self.in_kernel();
  }
  // Notes its number plus 100.
  static VOID NTAPI run_normal(PVOID context, PVOID first, PVOID second) {
    Apc &self = *static_cast<Apc *>(context);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQ(first, context);
    EXPECT_EQ(second, &self.id);
    EXPECT_TRUE(ke::current().Tcb.ApcState.KernelApcInProgress);
    self.log->push_back(self.id + 100);
    if (self.in_normal) self.in_normal();
  }
  // Minus its number.
  static VOID NTAPI run_rundown(PRKAPC apc) {
    Apc &self = *static_cast<Apc *>(apc);
    self.log->push_back(-self.id);
  }

  int id;
  std::vector<int> *log;
  bool clears_routine = false;
  std::function<void()> in_kernel, in_normal;
};

using Log = std::vector<int>;

class KeApc : public FakeTimeTest {
 protected:
  KTHREAD &self() { return *KeGetCurrentThread(); }
  Log log;
};

TEST_F(KeApc, HasTheDocumentedHeader) {
  Apc normal(self(), Apc::kNormal, 1, log), special(self(), Apc::kSpecial, 2, log), user(self(), Apc::kUser, 3, log);
  EXPECT_EQ(normal.Type, 18);
  EXPECT_EQ(normal.Size, sizeof(KAPC));
  EXPECT_EQ(normal.Thread, &self());
  EXPECT_EQ(normal.ApcMode, KernelMode);
  EXPECT_EQ(normal.ApcStateIndex, OriginalApcEnvironment);
  EXPECT_EQ(special.ApcMode, KernelMode);
  EXPECT_EQ(special.NormalContext, nullptr);
  EXPECT_EQ(user.ApcMode, UserMode);
  EXPECT_FALSE(normal.Inserted);
}

TEST_F(KeApc, ToOneselfRunsAtOnce) {
  Apc normal(self(), Apc::kNormal, 1, log), special(self(), Apc::kSpecial, 2, log);
  EXPECT_TRUE(normal.queue());
  EXPECT_EQ(log, (Log{1, 101}));
  EXPECT_TRUE(special.queue());
  EXPECT_EQ(log, (Log{1, 101, 2}));
  EXPECT_FALSE(self().ApcState.KernelApcPending);
}

TEST_F(KeApc, SpecialOnesComeFirstEachKindInItsOrder) {
  Apc a(self(), Apc::kNormal, 1, log), b(self(), Apc::kSpecial, 2, log), c(self(), Apc::kNormal, 3, log),
      d(self(), Apc::kSpecial, 4, log);
  const KIRQL old = KfRaiseIrql(APC_LEVEL);
  for (Apc *apc : {&a, &b, &c, &d}) EXPECT_TRUE(apc->queue());
  EXPECT_TRUE(self().ApcState.KernelApcPending);
  EXPECT_EQ(log, Log{});
  KeLowerIrql(old);
  EXPECT_EQ(log, (Log{2, 4, 1, 101, 3, 103}));
}

TEST_F(KeApc, IsQueuedOnceAtATime) {
  Apc apc(self(), Apc::kNormal, 1, log);
  KeEnterCriticalRegion();
  EXPECT_TRUE(apc.queue());
  EXPECT_TRUE(apc.Inserted);
  EXPECT_FALSE(apc.queue());
  KeLeaveCriticalRegion();
  EXPECT_EQ(log, (Log{1, 101}));
  EXPECT_TRUE(apc.queue());
}

TEST_F(KeApc, MayBeTakenBack) {
  Apc apc(self(), Apc::kNormal, 1, log), other(self(), Apc::kNormal, 2, log);
  EXPECT_FALSE(KeRemoveQueueApc(&apc));
  KeEnterCriticalRegion();
  apc.queue(), other.queue();
  EXPECT_TRUE(KeRemoveQueueApc(&apc));
  EXPECT_FALSE(KeRemoveQueueApc(&apc));
  EXPECT_FALSE(apc.Inserted);
  KeLeaveCriticalRegion();
  EXPECT_EQ(log, (Log{2, 102}));
}

TEST_F(KeApc, NormalOnesWaitForTheEndOfEveryKindOfRegion) {
  struct Region {
    std::function<void()> enter, leave;
    bool stops_special;
  };
  Mutex mutex;
  KIRQL old = PASSIVE_LEVEL;
  const std::vector<Region> regions{
      {[] { KeEnterCriticalRegion(); }, [] { KeLeaveCriticalRegion(); }, false},
      {[&] { wait(&mutex); }, [&] { mutex.release(); }, false},
      {[] { KeEnterGuardedRegion(); }, [] { KeLeaveGuardedRegion(); }, true},
      {[&] { old = KfRaiseIrql(APC_LEVEL); }, [&] { KeLowerIrql(old); }, true},
      {[] { KeEnterCriticalRegion(), KeEnterCriticalRegion(); },
       [] { KeLeaveCriticalRegion(), KeLeaveCriticalRegion(); }, false},
      {[&] { wait(&mutex), wait(&mutex); }, [&] { mutex.release(), mutex.release(); }, false},
      {[] { KeEnterGuardedRegion(), KeEnterGuardedRegion(); }, [] { KeLeaveGuardedRegion(), KeLeaveGuardedRegion(); },
       true}};
  for (size_t i = 0; i < regions.size(); ++i) {
    SCOPED_TRACE(i);
    log.clear();
    Apc normal(self(), Apc::kNormal, 1, log), special(self(), Apc::kSpecial, 2, log);
    regions[i].enter();
    EXPECT_TRUE(normal.queue());
    EXPECT_TRUE(special.queue());
    EXPECT_EQ(log, regions[i].stops_special ? Log{} : Log{2});
    regions[i].leave();
    EXPECT_EQ(log, (Log{2, 1, 101}));
  }
}

TEST_F(KeApc, TheKernelRoutineMayClearTheNormalOne) {
  Apc apc(self(), Apc::kNormal, 1, log);
  apc.clears_routine = true;
  apc.queue();
  EXPECT_EQ(log, Log{1});
  EXPECT_FALSE(self().ApcState.KernelApcInProgress);
}

TEST_F(KeApc, ANormalOneIsNotInterruptedByAnotherButByASpecialOne) {
  Apc outer(self(), Apc::kNormal, 1, log), normal(self(), Apc::kNormal, 2, log), special(self(), Apc::kSpecial, 3, log);
  outer.in_normal = [&] {
    normal.queue(), special.queue();
    log.push_back(1000);
  };
  outer.queue();
  EXPECT_EQ(log, (Log{1, 101, 3, 1000, 2, 102}));
}

TEST_F(KeApc, ANormalOneMayWait) {
  Event event, started;
  SystemThread thread([&] {
    Apc apc(self(), Apc::kNormal, 1, log);
    apc.in_normal = [&] {
      EXPECT_EQ(wait(&event), STATUS_SUCCESS);
      log.push_back(1000);
    };
    apc.queue();
  });
  thread.await_blocked();
  event.set();
  thread.join();
  EXPECT_EQ(log, (Log{1, 101, 1000}));
}

TEST_F(KeApc, RunsInAWaitWhichThenGoesOnUntilItsTime) {
  Event event;
  Queue queue;
  const std::vector<std::function<NTSTATUS(PLARGE_INTEGER)>> waits{
      [&](PLARGE_INTEGER timeout) { return wait(&event, timeout); },
      [&](PLARGE_INTEGER timeout) {
        return wait_all({&event, &event}, timeout);
      },
      [&](PLARGE_INTEGER timeout) { return static_cast<NTSTATUS>(reinterpret_cast<LONG_PTR>(queue.remove(timeout))); },
      [&](PLARGE_INTEGER timeout) {
        return KeDelayExecutionThread(KernelMode, FALSE, timeout) == STATUS_SUCCESS ? STATUS_TIMEOUT
                                                                                    : STATUS_UNSUCCESSFUL;
      }};
  for (const auto &waits_so : waits) {
    log.clear();
    Event ran;
    SystemThread thread([&] {
      LARGE_INTEGER timeout = relative(10 * kNtPerSecond);
      EXPECT_EQ(waits_so(&timeout), STATUS_TIMEOUT);
    });
    for (int i = 0; i < 5; ++i) {
      thread.await_blocked();
      Apc normal(thread.tcb(), Apc::kNormal, 1, log), special(thread.tcb(), Apc::kSpecial, 2, log);
      normal.in_normal = special.in_kernel = [&] { ran.set(); };
      clock.advance(2 * kNtPerSecond - (i == 4 ? 1 : 0));
      EXPECT_TRUE(normal.queue());
      wait(&ran);
      thread.await_blocked();
      EXPECT_TRUE(special.queue());
      wait(&ran);
      thread.await_blocked();
    }
    EXPECT_FALSE(thread.ended());
    clock.advance(1);
    thread.join();
    EXPECT_EQ(log.size(), 15u);
    EXPECT_FALSE(has_waiters(event.Header));
    EXPECT_FALSE(has_waiters(queue.Header));
  }
}

TEST_F(KeApc, DoesNotDisturbAWaitThatDisablesIt) {
  Event event;
  for (const bool guarded : {false, true}) {
    log.clear();
    SystemThread thread([&] {
      guarded ? KeEnterGuardedRegion() : KeEnterCriticalRegion();
      EXPECT_EQ(wait(&event), STATUS_SUCCESS);
      EXPECT_EQ(log, guarded ? Log{} : Log{2});
      guarded ? KeLeaveGuardedRegion() : KeLeaveCriticalRegion();
    });
    thread.await_blocked();
    Apc normal(thread.tcb(), Apc::kNormal, 1, log), special(thread.tcb(), Apc::kSpecial, 2, log);
    Event ran;
    special.in_kernel = [&] { ran.set(); };
    EXPECT_TRUE(normal.queue());
    EXPECT_TRUE(ke::is_asleep(thread.thread()));
    EXPECT_EQ(thread.tcb().ContextSwitches, 1u);
    EXPECT_TRUE(special.queue());
    if (!guarded) wait(&ran);
    thread.await_blocked();
    event.set();
    thread.join();
    EXPECT_EQ(log, (Log{2, 1, 101}));
  }
}

TEST_F(KeApc, ToAnEndedThreadIsRefused) {
  SystemThread thread([] {});
  thread.join();
  Apc apc(thread.tcb(), Apc::kNormal, 1, log);
  EXPECT_FALSE(apc.queue());
  EXPECT_FALSE(apc.Inserted);
  EXPECT_EQ(log, Log{});
}

TEST_F(KeApc, TheEndOfTheThreadRunsKernelOnesAndRunsDownUserOnes) {
  Event go;
  SystemThread thread([&] { wait(&go); });
  thread.await_blocked();
  Apc user(thread.tcb(), Apc::kUser, 1, log), silent(thread.tcb(), Apc::kUser, 2, log, false);
  EXPECT_TRUE(user.queue());
  EXPECT_TRUE(silent.queue());
  go.set();
  thread.join();
  EXPECT_EQ(log, Log{-1});
  EXPECT_FALSE(user.Inserted);
  EXPECT_FALSE(silent.Inserted);
}

// A running thread takes an APC where a driver calls the kernel.
TEST_F(KeApc, ToARunningThreadComesAtItsNextCall) {
  auto *const before = ps::is_driver_code.exchange(+[](const void *) { return true; });
  std::atomic<bool> queued{false}, runs{false};
  std::atomic<size_t> done{0};
  SystemThread thread([&] {
    Event event;
    runs.store(true);
    while (!queued.load()) sched_yield();
    EXPECT_EQ(log, Log{});
    event.set();
    done.store(log.size());
  });
  while (!runs.load()) sched_yield();
  Apc apc(thread.tcb(), Apc::kNormal, 1, log);
  EXPECT_TRUE(apc.queue());
  queued.store(true);
  thread.join();
  ps::is_driver_code = before;
  EXPECT_EQ(done.load(), 2u);
  EXPECT_EQ(log, (Log{1, 101}));
}

TEST_F(KeApc, LeavingItsRegionsUnbalancedIsABugcheck) {
  Apc apc(self(), Apc::kSpecial, 1, log);
  apc.in_kernel = [] { KeEnterCriticalRegion(); };
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { apc.queue(); });
  EXPECT_EQ(stop.code, 0x01u);
  EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(&Apc::run_kernel));
  EXPECT_EQ(stop.parameters[2], 0xFFFFu);
  ke::current().irql = PASSIVE_LEVEL;
  KeLeaveCriticalRegion();
}

TEST_F(KeApc, ChangingTheIrqlIsABugcheck) {
  Apc apc(self(), Apc::kSpecial, 1, log);
  apc.in_kernel = [] { KfRaiseIrql(DISPATCH_LEVEL); };
  EXPECT_EQ(ke::catch_bugcheck([&] { apc.queue(); }).code, 0xC8u);
  ke::current().irql = PASSIVE_LEVEL;
}

TEST_F(KeApc, AnAlertIsRemembered) {
  for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
    EXPECT_FALSE(KeTestAlertThread(mode));
    EXPECT_FALSE(KeAlertThread(&self(), mode));
    EXPECT_TRUE(KeAlertThread(&self(), mode));
    EXPECT_FALSE(KeTestAlertThread(mode == KernelMode ? UserMode : KernelMode));
    EXPECT_TRUE(KeTestAlertThread(mode));
    EXPECT_FALSE(KeTestAlertThread(mode));
  }
}

}  // namespace
}  // namespace ntemu::test
