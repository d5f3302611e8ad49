#include <array>

#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

class HandleWait : public KernelTest {
 protected:
  HandleWait() {
    EXPECT_EQ(ZwCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
    EXPECT_EQ(ZwCreateSemaphore(&semaphore, SEMAPHORE_ALL_ACCESS, nullptr, 0, 2), STATUS_SUCCESS);
  }
  ~HandleWait() override { event.close(), semaphore.close(); }
  static NTSTATUS poll_all(std::vector<HANDLE> handles, WAIT_TYPE type) {
    LARGE_INTEGER now{};
    return ::ZwWaitForMultipleObjects(static_cast<ULONG>(handles.size()), handles.data(), type, FALSE, &now);
  }
  static LONG count_of(HANDLE handle) {
    SEMAPHORE_BASIC_INFORMATION information{};
    ZwQuerySemaphore(handle, SemaphoreBasicInformation, &information, sizeof information, nullptr);
    return information.CurrentCount;
  }
  Handle event, semaphore;
};
using ZwWaitForMultipleObjects = HandleWait;
using ZwSignalAndWaitForSingleObject = HandleWait;
using ZwDelayExecution = FakeTimeTest;

TEST_F(HandleWait, EndsWithAThread) {
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&gate); });
  HANDLE handle;
  ASSERT_EQ(ObOpenObjectByPointer(&thread.thread(), OBJ_KERNEL_HANDLE, nullptr, SYNCHRONIZE, *PsThreadType, KernelMode,
                                  &handle),
            STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
  KeSetEvent(&gate, 0, FALSE);
  EXPECT_EQ(::ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS);
  ZwClose(handle);
}

TEST_F(HandleWait, RefusesWhatCannotBeWaitedFor) {
  const auto sample = make_sample();
  const Handle handle(*ob::create_handle(sample.get(), SYNCHRONIZE, 0));
  EXPECT_EQ(poll_handle(handle), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(poll_handle(kNoHandle), STATUS_INVALID_HANDLE);
  EXPECT_EQ(ob::reference_count(sample.get()), 2);
}

TEST_F(HandleWait, RightsCountInUserModeOnly) {
  Handle weak;
  ASSERT_EQ(ZwCreateEvent(&weak, EVENT_MODIFY_STATE, nullptr, NotificationEvent, TRUE), STATUS_SUCCESS);
  LARGE_INTEGER now{};
  EXPECT_EQ(NtWaitForSingleObject(weak, FALSE, &now), STATUS_SUCCESS);
  const AsUser user;
  EXPECT_EQ(NtWaitForSingleObject(weak, FALSE, &now), STATUS_ACCESS_DENIED);
  EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);
  EXPECT_EQ(::ZwWaitForSingleObject(weak, FALSE, &now), STATUS_SUCCESS);
}

TEST_F(HandleWait, AnAlertEndsAnAlertableWait) {
  SystemThread thread([&] { EXPECT_EQ(::ZwWaitForSingleObject(event, TRUE, nullptr), STATUS_ALERTED); });
  thread.await_blocked();
  HANDLE handle;
  ASSERT_EQ(ObOpenObjectByPointer(&thread.thread(), 0, nullptr, 0, *PsThreadType, KernelMode, &handle), STATUS_SUCCESS);
  EXPECT_EQ(ZwAlertThread(handle), STATUS_SUCCESS);
  thread.join();
  EXPECT_EQ(ZwAlertThread(event), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(ZwAlertThread(kNoHandle), STATUS_INVALID_HANDLE);
  ZwClose(handle);
}

TEST_F(HandleWait, TestAlertTakesAnAlertBack) {
  SystemThread thread([] {
    EXPECT_EQ(ZwTestAlert(), STATUS_SUCCESS);
    EXPECT_EQ(ZwAlertThread(NtCurrentThread()), STATUS_SUCCESS);
    EXPECT_EQ(ZwTestAlert(), STATUS_ALERTED);
    EXPECT_EQ(ZwTestAlert(), STATUS_SUCCESS);
  });
}

TEST_F(ZwWaitForMultipleObjects, WaitsForAny) {
  EXPECT_EQ(poll_all({event, semaphore}, WaitAny), STATUS_TIMEOUT);
  ZwReleaseSemaphore(semaphore, 2, nullptr);
  EXPECT_EQ(poll_all({event, semaphore}, WaitAny), STATUS_WAIT_1);
  EXPECT_EQ(poll_all({semaphore, semaphore}, WaitAny), STATUS_WAIT_0);
  ZwSetEvent(event, nullptr);
  EXPECT_EQ(poll_all({semaphore, event}, WaitAny), STATUS_WAIT_1);
}

TEST_F(ZwWaitForMultipleObjects, WaitsForAllAtOneMoment) {
  ZwReleaseSemaphore(semaphore, 1, nullptr);
  EXPECT_EQ(poll_all({event, semaphore}, WaitAll), STATUS_TIMEOUT);
  EXPECT_EQ(count_of(semaphore), 1);
  ZwSetEvent(event, nullptr);
  EXPECT_EQ(poll_all({event, semaphore}, WaitAll), STATUS_SUCCESS);
  EXPECT_EQ(count_of(semaphore), 0);
}

TEST_F(ZwWaitForMultipleObjects, BlocksOnSixtyFour) {
  std::vector<HANDLE> handles(64, event);
  handles[63] = semaphore;
  SystemThread waiter(
      [&] { EXPECT_EQ(::ZwWaitForMultipleObjects(64, handles.data(), WaitAny, FALSE, nullptr), STATUS_WAIT_0 + 63); });
  waiter.await_blocked();
  ZwReleaseSemaphore(semaphore, 1, nullptr);
}

TEST_F(ZwWaitForMultipleObjects, RefusesBadParameters) {
  std::vector<HANDLE> handles(65, event);
  LARGE_INTEGER now{};
  EXPECT_EQ(::ZwWaitForMultipleObjects(0, handles.data(), WaitAny, FALSE, &now), STATUS_INVALID_PARAMETER_1);
  EXPECT_EQ(::ZwWaitForMultipleObjects(65, handles.data(), WaitAny, FALSE, &now), STATUS_INVALID_PARAMETER_1);
  EXPECT_EQ(poll_all({event}, WaitNotification), STATUS_INVALID_PARAMETER_3);
  EXPECT_EQ(poll_all({event, semaphore, event}, WaitAll), STATUS_INVALID_PARAMETER_MIX);
  EXPECT_EQ(poll_all({event, kNoHandle}, WaitAny), STATUS_INVALID_HANDLE);
  const auto sample = make_sample();
  const Handle handle(*ob::create_handle(sample.get(), SYNCHRONIZE, 0));
  EXPECT_EQ(poll_all({event, handle}, WaitAny), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(ob::reference_count(body_of(event)), 1) << "no reference is left behind";
}

TEST_F(ZwWaitForMultipleObjects, TellsOfAnAbandonedMutant) {
  Handle mutant;
  ASSERT_EQ(ZwCreateMutant(&mutant, MUTANT_ALL_ACCESS, nullptr, FALSE), STATUS_SUCCESS);
  SystemThread([&] { poll_handle(mutant); }).join();
  EXPECT_EQ(poll_all({event, mutant}, WaitAny), STATUS_ABANDONED_WAIT_0 + 1);
  EXPECT_EQ(ZwReleaseMutant(mutant, nullptr), STATUS_SUCCESS);
}

TEST_F(ZwSignalAndWaitForSingleObject, SignalsAndThenWaits) {
  Handle mutant;
  ASSERT_EQ(ZwCreateMutant(&mutant, MUTANT_ALL_ACCESS, nullptr, FALSE), STATUS_SUCCESS);
  LARGE_INTEGER now{};
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(event, semaphore, FALSE, &now), STATUS_TIMEOUT);
  EXPECT_EQ(poll_handle(event), STATUS_SUCCESS);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(semaphore, semaphore, FALSE, &now), STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(mutant), STATUS_SUCCESS);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(mutant, event, FALSE, &now), STATUS_SUCCESS);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(ZwSignalAndWaitForSingleObject, WithoutASignalDoesNotWait) {
  Handle mutant;
  ASSERT_EQ(ZwCreateMutant(&mutant, MUTANT_ALL_ACCESS, nullptr, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(mutant, event, FALSE, nullptr), STATUS_MUTANT_NOT_OWNED);
  ZwReleaseSemaphore(semaphore, 2, nullptr);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(semaphore, event, FALSE, nullptr), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(NtCurrentThread(), event, FALSE, nullptr), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(kNoHandle, event, FALSE, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwSignalAndWaitForSingleObject(event, kNoHandle, FALSE, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(poll_handle(event), STATUS_TIMEOUT) << "a bad wait signals nothing";
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(ZwDelayExecution, SleepsForTheInterval) {
  SystemThread sleeper([] {
    LARGE_INTEGER interval = relative(10 * base::kNtPerSecond);
    EXPECT_EQ(::ZwDelayExecution(FALSE, &interval), STATUS_SUCCESS);
    EXPECT_EQ(ZwYieldExecution(), STATUS_SUCCESS);
  });
  sleeper.await_blocked();
  EXPECT_FALSE(sleeper.ended());
  clock.advance(10 * base::kNtPerSecond);
}

}  // namespace
}  // namespace ntemu::test
