// How waits end: every status of every call that waits.
#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

VOID NTAPI nothing(PRKAPC, PKNORMAL_ROUTINE *, PVOID *, PVOID *, PVOID *) {}
VOID NTAPI user_routine(PVOID, PVOID, PVOID) {}

struct UserApc : KAPC {
  explicit UserApc(KTHREAD &thread) {
    KeInitializeApc(this, &thread, OriginalApcEnvironment, nothing, nullptr, user_routine, UserMode, nullptr);
  }
};

// A call that waits, for nothing that comes, in some mode.
struct Call {
  const char *name;
  std::function<NTSTATUS(KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER)> wait;
  NTSTATUS timed_out = STATUS_TIMEOUT;
};

class KeWaitStatus : public FakeTimeTest {
 protected:
  // KeRemoveQueue is never alertable.
  const std::vector<Call> alertable_calls{
      {"KeWaitForSingleObject",
       [this](KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout) {
         return KeWaitForSingleObject(&never, UserRequest, mode, alertable, timeout);
       }},
      {"WaitAny",
       [this](KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout) {
         return wait_many(WaitAny, {&never, &never_either}, timeout, mode, alertable);
       }},
      {"WaitAll",
       [this](KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout) {
         return wait_many(WaitAll, {&always, &never}, timeout, mode, alertable);
       }},
      {"KeDelayExecutionThread",
       [](KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER timeout) {
         LARGE_INTEGER forever = relative(MAXLONGLONG);
         return KeDelayExecutionThread(mode, alertable, timeout ? timeout : &forever);
       },
       STATUS_SUCCESS}};
  const Call remove{"KeRemoveQueue", [this](KPROCESSOR_MODE mode, BOOLEAN, PLARGE_INTEGER timeout) {
                      return static_cast<NTSTATUS>(reinterpret_cast<LONG_PTR>(queue.remove(timeout, mode)));
                    }};
  std::vector<Call> calls() const {
    std::vector<Call> all = alertable_calls;
    all.push_back(remove);
    return all;
  }
  void expect_untouched() {
    EXPECT_FALSE(has_waiters(never.Header));
    EXPECT_FALSE(has_waiters(never_either.Header));
    EXPECT_FALSE(has_waiters(always.Header));
    EXPECT_FALSE(has_waiters(queue.Header));
    EXPECT_EQ(never.state(), 0);
    EXPECT_EQ(always.state(), 1);
  }

  Event never, never_either, always{SynchronizationEvent, true};
  Queue queue;
};

TEST_F(KeWaitStatus, EveryEndButAFailureIsSuccess) {
  for (const NTSTATUS status : {STATUS_SUCCESS, STATUS_WAIT_63, STATUS_ABANDONED, STATUS_ABANDONED_WAIT_63,
                                STATUS_USER_APC, STATUS_ALERTED, STATUS_TIMEOUT}) {
    EXPECT_TRUE(NT_SUCCESS(status)) << status;
  }
  EXPECT_EQ(STATUS_SUCCESS, 0);
  EXPECT_EQ(STATUS_ABANDONED_WAIT_0, 0x80);
  EXPECT_EQ(STATUS_USER_APC, 0xC0);
  EXPECT_EQ(STATUS_ALERTED, 0x101);
  EXPECT_EQ(STATUS_TIMEOUT, 0x102);
}

TEST_F(KeWaitStatus, TimeoutInEveryMode) {
  for (const Call &call : calls()) {
    for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
      for (const bool alertable : {false, true}) {
        SCOPED_TRACE(call.name);
        NTSTATUS status = STATUS_UNSUCCESSFUL;
        SystemThread thread([&] {
          LARGE_INTEGER timeout = relative(kNtPerSecond);
          status = call.wait(mode, alertable, &timeout);
        });
        thread.await_blocked();
        EXPECT_EQ(thread.tcb().WaitMode, mode);
        clock.advance(kNtPerSecond - 1);
        EXPECT_FALSE(thread.ended());
        clock.advance(1);
        thread.join();
        EXPECT_EQ(status, call.timed_out);
        LARGE_INTEGER now{};
        EXPECT_EQ(call.wait(mode, alertable, &now), call.timed_out);
        expect_untouched();
      }
    }
  }
}

// An alert for user mode ends waits in that mode, one for kernel mode those in both.
TEST_F(KeWaitStatus, AnAlertEndsAnAlertableWaitOfItsMode) {
  for (const Call &call : alertable_calls) {
    for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
      for (const KPROCESSOR_MODE alert : {KernelMode, UserMode}) {
        SCOPED_TRACE(call.name);
        NTSTATUS status = STATUS_UNSUCCESSFUL;
        SystemThread thread([&] {
          LARGE_INTEGER timeout = relative(kNtPerSecond);
          status = call.wait(mode, TRUE, &timeout);
          // What did not end the wait is still there.
          EXPECT_EQ(KeTestAlertThread(alert), alert > mode);
          EXPECT_FALSE(KeTestAlertThread(alert));
        });
        thread.await_blocked();
        EXPECT_FALSE(KeAlertThread(&thread.tcb(), alert));
        if (alert > mode) {
          EXPECT_FALSE(thread.ended());
          EXPECT_TRUE(KeAlertThread(&thread.tcb(), alert));
          clock.advance(kNtPerSecond);
        }
        thread.join();
        EXPECT_EQ(status, alert > mode ? call.timed_out : STATUS_ALERTED);
        expect_untouched();
      }
    }
  }
}

TEST_F(KeWaitStatus, AnAlertDoesNotEndOtherWaits) {
  for (const Call &call : calls()) {
    for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
      SCOPED_TRACE(call.name);
      NTSTATUS status = STATUS_UNSUCCESSFUL;
      SystemThread thread([&] {
        LARGE_INTEGER timeout = relative(kNtPerSecond);
        status = call.wait(mode, FALSE, &timeout);
      });
      thread.await_blocked();
      EXPECT_FALSE(KeAlertThread(&thread.tcb(), KernelMode));
      EXPECT_FALSE(KeAlertThread(&thread.tcb(), UserMode));
      EXPECT_FALSE(thread.ended());
      clock.advance(kNtPerSecond);
      thread.join();
      EXPECT_EQ(status, call.timed_out);
    }
  }
}

TEST_F(KeWaitStatus, APendingAlertEndsTheNextAlertableWaitAtOnce) {
  KTHREAD *const self = KeGetCurrentThread();
  for (const Call &call : alertable_calls) {
    for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
      SCOPED_TRACE(call.name);
      KeAlertThread(self, mode);
      EXPECT_EQ(call.wait(mode, TRUE, nullptr), STATUS_ALERTED);
      KeAlertThread(self, KernelMode);
      EXPECT_EQ(call.wait(UserMode, TRUE, nullptr), STATUS_ALERTED);
      EXPECT_FALSE(KeTestAlertThread(KernelMode));
      EXPECT_FALSE(KeTestAlertThread(UserMode));
      expect_untouched();
    }
  }
}

TEST_F(KeWaitStatus, ASignaledObjectComesBeforeAPendingAlert) {
  KeAlertThread(KeGetCurrentThread(), KernelMode);
  Event event(NotificationEvent, true);
  EXPECT_EQ(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(wait_many(WaitAll, {&event, &event}, nullptr, KernelMode, TRUE), STATUS_SUCCESS);
  EXPECT_TRUE(KeTestAlertThread(KernelMode));
}

TEST_F(KeWaitStatus, AUserApcEndsAnAlertableWaitInUserMode) {
  for (const Call &call : alertable_calls) {
    for (const KPROCESSOR_MODE mode : {KernelMode, UserMode}) {
      for (const bool alertable : {false, true}) {
        SCOPED_TRACE(call.name);
        NTSTATUS status = STATUS_UNSUCCESSFUL;
        SystemThread thread([&] {
          LARGE_INTEGER timeout = relative(kNtPerSecond);
          status = call.wait(mode, alertable, &timeout);
        });
        thread.await_blocked();
        UserApc apc(thread.tcb());
        EXPECT_TRUE(KeInsertQueueApc(&apc, nullptr, nullptr, 0));
        const bool ends = mode == UserMode && alertable;
        if (!ends) {
          EXPECT_FALSE(thread.ended());
          clock.advance(kNtPerSecond);
        }
        thread.join();
        EXPECT_EQ(status, ends ? STATUS_USER_APC : call.timed_out);
        expect_untouched();
      }
    }
  }
}

TEST_F(KeWaitStatus, APendingUserApcEndsTheNextUserModeWaitAtOnce) {
  for (const Call &call : calls()) {
    SCOPED_TRACE(call.name);
    SystemThread thread([&] {
      UserApc apc(*KeGetCurrentThread());
      EXPECT_TRUE(KeInsertQueueApc(&apc, nullptr, nullptr, 0));
      LARGE_INTEGER soon = relative(kNtPerSecond);
      if (&call != &calls().back() && call.name != remove.name) {
        EXPECT_EQ(call.wait(UserMode, TRUE, &soon), STATUS_USER_APC);
      } else {
        EXPECT_FALSE(KeTestAlertThread(UserMode));  // now it is pending
      }
      EXPECT_EQ(call.wait(UserMode, FALSE, &soon), STATUS_USER_APC);
      EXPECT_TRUE(KeRemoveQueueApc(&apc));
    });
    thread.join();
    expect_untouched();
  }
}

TEST_F(KeWaitStatus, AQueuesThreadInUserModeIsEndedByAUserApcThatIsPending) {
  SystemThread thread([&] {
    LARGE_INTEGER soon = relative(kNtPerSecond);
    EXPECT_EQ(remove.wait(UserMode, FALSE, &soon), STATUS_TIMEOUT);
  });
  thread.await_blocked();
  UserApc apc(thread.tcb());
  EXPECT_TRUE(KeInsertQueueApc(&apc, nullptr, nullptr, 0));
  EXPECT_FALSE(thread.ended());  // not alertable
  clock.advance(kNtPerSecond);
}

TEST_F(KeWaitStatus, AbandonedIsToldOnce) {
  Mutant mutant;
  {
    SystemThread owner([&] { wait(&mutant); });
  }
  EXPECT_EQ(wait(&mutant), STATUS_ABANDONED);
  EXPECT_EQ(wait(&mutant), STATUS_SUCCESS);
  mutant.release(), mutant.release();
  EXPECT_EQ(poll(&mutant), STATUS_SUCCESS);
  mutant.release();
}

TEST_F(KeWaitStatus, AbsoluteTimeoutsFollowTheSystemTimeAndRelativeOnesDoNot) {
  for (const Call &call : calls()) {
    SCOPED_TRACE(call.name);
    LARGE_INTEGER when;
    KeQuerySystemTime(&when);
    when.QuadPart += 100 * kNtPerSecond;
    SystemThread absolute([&] { EXPECT_EQ(call.wait(KernelMode, FALSE, &when), call.timed_out); });
    absolute.await_blocked();
    SystemThread relatively([&] {
      LARGE_INTEGER timeout = relative(100 * kNtPerSecond);
      EXPECT_EQ(call.wait(KernelMode, FALSE, &timeout), call.timed_out);
    });
    relatively.await_blocked();
    clock.shift_system_time(-50 * kNtPerSecond);
    clock.advance(99 * kNtPerSecond);
    EXPECT_FALSE(absolute.ended());
    EXPECT_FALSE(relatively.ended());
    clock.advance(kNtPerSecond);
    relatively.join();
    clock.set_system_time(when.QuadPart - 1);
    EXPECT_FALSE(absolute.ended());
    clock.set_system_time(when.QuadPart);
    absolute.join();
    LARGE_INTEGER past = when;
    EXPECT_EQ(call.wait(KernelMode, FALSE, &past), call.timed_out);
    expect_untouched();
  }
}

}  // namespace
}  // namespace ntemu::test
