#include <pthread.h>
#include <signal.h>

#include <vector>

#include "ntemu/base/sanitizers.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"
#include "ntemu/ps/ps.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using PsThread = KernelTest;

TEST_F(PsThread, RunsInTheSystemProcessWithItsOwnIdAndStack) {
  SystemThread thread([] {
    char local;
    const KTHREAD &self = *KeGetCurrentThread();
    EXPECT_GT(static_cast<void *>(&local), self.StackLimit);
    EXPECT_LT(static_cast<void *>(&local), self.StackBase);
    EXPECT_GE(static_cast<char *>(self.StackBase) - static_cast<char *>(self.StackLimit), 256 << 10);
    EXPECT_EQ(PsGetCurrentProcess(), PsInitialSystemProcess);
    EXPECT_EQ(PsGetCurrentProcessId(), reinterpret_cast<HANDLE>(4));
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQ(self.CombinedApcDisable, 0u);
  });
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(PsGetThreadId(&thread.thread())) % 4, 0u);
  EXPECT_NE(PsGetThreadId(&thread.thread()), PsGetCurrentThreadId());
}

TEST_F(PsThread, HasNoDataOfTheHostBesideWhatFollowsItsStack) {
#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)
  GTEST_SKIP() << "sanitizers have stacks of their own for signals";
#else
  SystemThread thread([] {
    const KTHREAD &self = *KeGetCurrentThread();
    stack_t signals;
    ASSERT_EQ(sigaltstack(nullptr, &signals), 0);
    EXPECT_EQ(signals.ss_sp, self.StackBase);
    EXPECT_LT(reinterpret_cast<void *>(pthread_self()), self.StackBase);
  });
#endif
}

struct Start {
  NTSTATUS status;
  bool after = false;
};
VOID terminate(PVOID context) {
  auto *start = static_cast<Start *>(context);
  PsTerminateSystemThread(start->status);
  start->after = true;
}

TEST_F(PsThread, TerminateEndsTheThreadWithItsStatus) {
  Start start{STATUS_DEVICE_NOT_READY};
  HANDLE handle;
  CLIENT_ID id{};
  ASSERT_EQ(PsCreateSystemThread(&handle, 0, nullptr, nullptr, &id, terminate, &start), STATUS_SUCCESS);
  const auto object = ob::reference_by_handle(handle, 0, *PsThreadType, KernelMode);
  ASSERT_TRUE(object);
  EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS);
  auto *thread = static_cast<ETHREAD *>(*object);
  EXPECT_EQ(thread->ExitStatus, STATUS_DEVICE_NOT_READY);
  EXPECT_EQ(thread->CrossThreadFlags & 1, 1u);
  EXPECT_EQ(thread->Tcb.State, ke::kTerminated);
  EXPECT_EQ(id.UniqueProcess, reinterpret_cast<HANDLE>(4));
  EXPECT_EQ(id.UniqueThread, PsGetThreadId(thread));
  EXPECT_FALSE(start.after);
  ob::dereference(thread);
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
}

TEST_F(PsThread, TerminateOfAHostThreadOnlyFails) {
  EXPECT_EQ(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
}

TEST_F(PsThread, ExitWithApcsDisabledIsBugcheck20) {
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  ke::Bugcheck stop{};
  const auto exit_in_frame = [&] { stop = ke::catch_bugcheck([] { PsTerminateSystemThread(STATUS_SUCCESS); }); };
  SystemThread holder([&] {
    wait(&mutex);
    wait(&mutex);
    exit_in_frame();
    KeReleaseMutex(&mutex, FALSE), KeReleaseMutex(&mutex, FALSE);
  });
  holder.join();
  EXPECT_EQ(stop.code, 0x20u);
  EXPECT_EQ(stop.parameters[0], 0u);
  EXPECT_EQ(stop.parameters[1], 0xFFFFu);
  EXPECT_EQ(stop.parameters[2], 0u);
  EXPECT_EQ(stop.parameters[3], 1u);
  SystemThread guarded([&] {
    KeEnterGuardedRegion();
    exit_in_frame();
    KeLeaveGuardedRegion();
  });
  guarded.join();
  EXPECT_EQ(stop.parameters[1], 0xFFFF0000u);
}

TEST_F(PsThread, ExitOwningAMutexIsBugcheck4000008A) {
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  ke::Bugcheck stop{};
  SystemThread holder([&] {
    wait(&mutex);
    KeLeaveCriticalRegion();  // the stray leave hides the held mutex from the APC count
    stop = ke::catch_bugcheck([] { PsTerminateSystemThread(STATUS_SUCCESS); });
    KeEnterCriticalRegion();
    KeReleaseMutex(&mutex, FALSE);
  });
  holder.join();
  EXPECT_EQ(stop.code, 0x4000008Au);
  EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(&mutex));
}

TEST_F(PsThread, AboveApcLevelCreationIsABugcheck) {
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  HANDLE handle;
  EXPECT_EQ(
      ke::catch_bugcheck([&] { PsCreateSystemThread(&handle, 0, nullptr, nullptr, nullptr, terminate, nullptr); }).code,
      0xD1u);
  KeLowerIrql(old);
}

TEST_F(PsThread, RefusesAHandleThatIsNoProcess) {
  HANDLE thread;
  Start start{STATUS_SUCCESS};
  ASSERT_EQ(PsCreateSystemThread(&thread, 0, nullptr, nullptr, nullptr, terminate, &start), STATUS_SUCCESS);
  HANDLE other;
  EXPECT_EQ(PsCreateSystemThread(&other, 0, nullptr, thread, nullptr, terminate, &start), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(PsCreateSystemThread(&other, 0, nullptr, reinterpret_cast<HANDLE>(0x7770), nullptr, terminate, &start),
            STATUS_INVALID_HANDLE);
  ZwWaitForSingleObject(thread, FALSE, nullptr);
  ZwClose(thread);
}

// What drivers rely on: a thread created first takes the lock first.
TEST_F(PsThread, ThreadsStartInTheOrderOfTheirCreation) {
  for (int i = 0; i < rounds(300, 20000); ++i) {
    KMUTEX mutex;
    KeInitializeMutex(&mutex, 0);
    int order = 0, first_saw = -1, second_saw = -1;
    SystemThread first([&] {
      wait(&mutex);
      first_saw = order++;
      KeReleaseMutex(&mutex, FALSE);
    });
    SystemThread second([&] {
      wait(&mutex);
      second_saw = order++;
      KeReleaseMutex(&mutex, FALSE);
    });
    first.join(), second.join();
    ASSERT_EQ(first_saw, 0);
    ASSERT_EQ(second_saw, 1);
  }
}

TEST_F(PsThread, ACreatorDoesNotWaitForAThreadThatOnlyComputes) {
  std::atomic<bool> stop{false};
  SystemThread busy([&] {
    while (!stop.load()) {
    }
  });
  EXPECT_FALSE(busy.ended());
  stop = true;
}

TEST_F(PsThread, ManyThreadsComeAndGo) {
  for (int i = 0; i < rounds(100, 5000); ++i) {
    SystemThread a([] {}), b([] { PsTerminateSystemThread(STATUS_SUCCESS); });
  }
}

TEST(Machine, EndsThreadsThatWaitForEver) {
  for (int i = 0; i < 20; ++i) {
    auto machine = Machine::boot({});
    ASSERT_TRUE(machine);
    struct Shared {
      KEVENT event;
      FAST_MUTEX mutex;
    } shared;
    KeInitializeEvent(&shared.event, NotificationEvent, FALSE);
    ExInitializeFastMutex(&shared.mutex);
    HANDLE handle;
    for (int thread = 0; thread < 3; ++thread) {
      PsCreateSystemThread(
          &handle, 0, nullptr, nullptr, nullptr,
          [](PVOID context) {
            auto *all = static_cast<Shared *>(context);
            ExAcquireFastMutex(&all->mutex);
            KeWaitForSingleObject(&all->event, Executive, KernelMode, FALSE, nullptr);
          },
          &shared);
      ZwClose(handle);
    }
    EXPECT_EQ((*machine)->wait_for_rest(std::nullopt), Rest::kWaiting);
    EXPECT_TRUE((*machine)->shut_down());
  }
}

}  // namespace
}  // namespace ntemu::test
