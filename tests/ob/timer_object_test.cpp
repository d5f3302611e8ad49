#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

class TimerObject : public FakeTimeTest {
 protected:
  static NTSTATUS create(PHANDLE handle, POBJECT_ATTRIBUTES attributes, TIMER_TYPE type = NotificationTimer) {
    return ZwCreateTimer(handle, TIMER_ALL_ACCESS, attributes, type);
  }
  static NTSTATUS open(PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
    return ZwOpenTimer(handle, TIMER_ALL_ACCESS, attributes);
  }
  static NTSTATUS set(HANDLE handle, base::Nt100ns due, PBOOLEAN before = nullptr, LONG period = 0) {
    LARGE_INTEGER time = relative(due);
    return ::ZwSetTimer(handle, &time, nullptr, nullptr, FALSE, period, before);
  }
  static TIMER_BASIC_INFORMATION query(HANDLE handle) {
    TIMER_BASIC_INFORMATION information{};
    EXPECT_EQ(::ZwQueryTimer(handle, TimerBasicInformation, &information, sizeof information, nullptr), STATUS_SUCCESS);
    return information;
  }
};
using ZwSetTimer = TimerObject;
using ZwCancelTimer = TimerObject;
using ZwQueryTimer = TimerObject;

TEST_F(TimerObject, NamesFollowTheRules) {
  check_names([](PHANDLE handle, POBJECT_ATTRIBUTES attributes) { return create(handle, attributes); }, open);
}

TEST_F(TimerObject, TheTypeIsChecked) {
  Handle handle;
  EXPECT_EQ(create(&handle, nullptr, no_such<TIMER_TYPE>(2)), STATUS_INVALID_PARAMETER_4);
}

TEST_F(ZwSetTimer, SignalsWhenItIsDue) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  ASSERT_EQ(set(handle, base::kNtPerSecond), STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
  SystemThread waiter([&] { EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS); });
  waiter.await_blocked();
  clock.advance(base::kNtPerSecond);
  waiter.join();
  EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  BOOLEAN before = FALSE;
  EXPECT_EQ(set(handle, base::kNtPerSecond, &before), STATUS_SUCCESS);
  EXPECT_TRUE(before);
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
}

TEST_F(ZwSetTimer, RefusesBadParameters) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(set(handle, 1, nullptr, -1), STATUS_INVALID_PARAMETER_6);
  EXPECT_EQ(set(kNoHandle, 1), STATUS_INVALID_HANDLE);
  EXPECT_EQ(set(NtCurrentThread(), 1), STATUS_OBJECT_TYPE_MISMATCH);
  LARGE_INTEGER due = relative(base::kNtPerSecond);
  EXPECT_EQ(::ZwSetTimer(handle, &due, nullptr, nullptr, TRUE, 0, nullptr), STATUS_TIMER_RESUME_IGNORED);
}

TEST_F(ZwCancelTimer, StopsItAndLeavesItsState) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  BOOLEAN state = TRUE;
  ASSERT_EQ(set(handle, base::kNtPerSecond), STATUS_SUCCESS);
  EXPECT_EQ(::ZwCancelTimer(handle, &state), STATUS_SUCCESS);
  EXPECT_FALSE(state);
  clock.advance(2 * base::kNtPerSecond);
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
  EXPECT_EQ(::ZwCancelTimer(handle, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(::ZwCancelTimer(kNoHandle, nullptr), STATUS_INVALID_HANDLE);
}

TEST_F(ZwQueryTimer, TellsWhatIsLeft) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  ASSERT_EQ(set(handle, base::kNtPerSecond), STATUS_SUCCESS);
  clock.advance(base::kNtPerSecond / 4);
  EXPECT_EQ(query(handle).RemainingTime.QuadPart, base::kNtPerSecond * 3 / 4);
  EXPECT_FALSE(query(handle).TimerState);
  LARGE_INTEGER noon;
  KeQuerySystemTime(&noon);
  noon.QuadPart += base::kNtPerSecond;
  ASSERT_EQ(::ZwSetTimer(handle, &noon, nullptr, nullptr, FALSE, 0, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(query(handle).RemainingTime.QuadPart, base::kNtPerSecond);
  TIMER_BASIC_INFORMATION information;
  EXPECT_EQ(::ZwQueryTimer(handle, no_such<TIMER_INFORMATION_CLASS>(1), &information, 16, nullptr),
            STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwQueryTimer(handle, TimerBasicInformation, &information, 8, nullptr), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(::ZwQueryTimer(kNoHandle, TimerBasicInformation, &information, 16, nullptr), STATUS_INVALID_HANDLE);
}

TEST_F(TimerObject, AClosedTimerNeverExpires) {
  HANDLE handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  ASSERT_EQ(set(handle, base::kNtPerSecond), STATUS_SUCCESS);
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  clock.advance(2 * base::kNtPerSecond);
}

}  // namespace
}  // namespace ntemu::test
