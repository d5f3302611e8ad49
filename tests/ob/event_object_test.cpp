#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

class EventObject : public KernelTest {
 protected:
  static NTSTATUS create(PHANDLE handle, POBJECT_ATTRIBUTES attributes, EVENT_TYPE type = NotificationEvent,
                         BOOLEAN state = FALSE) {
    return ZwCreateEvent(handle, EVENT_ALL_ACCESS, attributes, type, state);
  }
  static NTSTATUS open(PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
    return ::ZwOpenEvent(handle, EVENT_ALL_ACCESS, attributes);
  }
  static EVENT_BASIC_INFORMATION query(HANDLE handle) {
    EVENT_BASIC_INFORMATION information{};
    EXPECT_EQ(::ZwQueryEvent(handle, EventBasicInformation, &information, sizeof information, nullptr), STATUS_SUCCESS);
    return information;
  }
};
using ZwSetEvent = EventObject;
using ZwPulseEvent = EventObject;
using ZwQueryEvent = EventObject;
using IoCreateNotificationEvent = EventObject;

TEST_F(EventObject, NamesFollowTheRules) {
  check_names([](PHANDLE handle, POBJECT_ATTRIBUTES attributes) { return create(handle, attributes); }, open);
}

TEST_F(EventObject, IsAnEventOfItsType) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, SynchronizationEvent, TRUE), STATUS_SUCCESS);
  PVOID body;
  ASSERT_EQ(ObReferenceObjectByHandle(handle, SYNCHRONIZE, *ExEventObjectType, UserMode, &body, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(KeReadStateEvent(static_cast<PKEVENT>(body)), 1);
  EXPECT_EQ(wait(body), STATUS_SUCCESS);
  EXPECT_EQ(KeReadStateEvent(static_cast<PKEVENT>(body)), 0);
  ObDereferenceObject(body);
  EXPECT_EQ(ObReferenceObjectByHandle(handle, 0, *ExSemaphoreObjectType, KernelMode, &body, nullptr),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(create(&handle, nullptr, no_such<EVENT_TYPE>(2)), STATUS_INVALID_PARAMETER);
}

TEST_F(ZwSetEvent, SetsClearsAndTellsTheStateBefore) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  LONG before = 7;
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
  EXPECT_EQ(::ZwSetEvent(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 0);
  EXPECT_EQ(::ZwSetEvent(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  EXPECT_EQ(ZwResetEvent(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(ZwResetEvent(handle, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(::ZwSetEvent(handle, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(ZwClearEvent(handle), STATUS_SUCCESS);
  EXPECT_EQ(query(handle).EventState, 0);
}

TEST_F(ZwSetEvent, RefusesWhatIsNoEvent) {
  for (const auto &[handle, status] : {std::pair(kNoHandle, STATUS_INVALID_HANDLE),
                                       std::pair(HANDLE{NtCurrentThread()}, STATUS_OBJECT_TYPE_MISMATCH)}) {
    EXPECT_EQ(::ZwSetEvent(handle, nullptr), status);
    EXPECT_EQ(NtSetEvent(handle, nullptr), status);
    EXPECT_EQ(ZwResetEvent(handle, nullptr), status);
    EXPECT_EQ(ZwClearEvent(handle), status);
    EXPECT_EQ(::ZwPulseEvent(handle, nullptr), status);
    EVENT_BASIC_INFORMATION information;
    EXPECT_EQ(::ZwQueryEvent(handle, EventBasicInformation, &information, sizeof information, nullptr), status);
  }
}

TEST_F(ZwSetEvent, RightsCountInUserModeOnly) {
  Handle handle;
  ASSERT_EQ(NtCreateEvent(&handle, EVENT_QUERY_STATE, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(NtSetEvent(handle, nullptr), STATUS_SUCCESS);
  const AsUser user;
  EXPECT_EQ(NtSetEvent(handle, nullptr), STATUS_ACCESS_DENIED);
  EXPECT_EQ(::ZwSetEvent(handle, nullptr), STATUS_SUCCESS);
  Handle writable;
  ASSERT_EQ(NtCreateEvent(&writable, GENERIC_WRITE, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(NtSetEvent(writable, nullptr), STATUS_SUCCESS);
}

TEST_F(ZwPulseEvent, ReleasesWhoWaitsAndLeavesTheEventClear) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  SystemThread waiter([&] { EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS); });
  waiter.await_blocked();
  LONG before = 7;
  EXPECT_EQ(::ZwPulseEvent(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 0);
  waiter.join();
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
}

TEST_F(ZwQueryEvent, TellsTypeAndState) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, SynchronizationEvent, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(query(handle).EventType, SynchronizationEvent);
  EXPECT_EQ(query(handle).EventState, 1);
  EVENT_BASIC_INFORMATION information;
  ULONG length = 0;
  EXPECT_EQ(::ZwQueryEvent(handle, EventBasicInformation, &information, sizeof information, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 8u);
  EXPECT_EQ(::ZwQueryEvent(handle, no_such<EVENT_INFORMATION_CLASS>(1), &information, sizeof information, nullptr),
            STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwQueryEvent(handle, EventBasicInformation, &information, 4, nullptr), STATUS_INFO_LENGTH_MISMATCH);
}

TEST_F(IoCreateNotificationEvent, CreatesASetEventOrOpensIt) {
  UNICODE_STRING name = Name(u"\\BaseNamedObjects\\Io").string;
  HANDLE first = nullptr, second = nullptr;
  const PKEVENT event = ::IoCreateNotificationEvent(&name, &first);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(KeReadStateEvent(event), 1);
  EXPECT_EQ(query(first).EventType, NotificationEvent);
  EXPECT_EQ(ObCloseHandle(first, UserMode), STATUS_INVALID_HANDLE) << "a kernel handle";
  KeClearEvent(event);
  EXPECT_EQ(IoCreateSynchronizationEvent(&name, &second), event);
  EXPECT_EQ(KeReadStateEvent(event), 0);
  EXPECT_EQ(ZwClose(first), STATUS_SUCCESS);
  EXPECT_EQ(ZwClose(second), STATUS_SUCCESS);
  ASSERT_NE(IoCreateSynchronizationEvent(&name, &first), nullptr);
  EXPECT_EQ(query(first).EventType, SynchronizationEvent);
  EXPECT_EQ(ZwClose(first), STATUS_SUCCESS);
}

TEST_F(IoCreateNotificationEvent, ReturnsNullWhenTheNameIsBad) {
  HANDLE handle = nullptr;
  UNICODE_STRING directory = Name(u"\\BaseNamedObjects").string, lost = Name(u"\\Nowhere\\Io").string;
  EXPECT_EQ(::IoCreateNotificationEvent(&directory, &handle), nullptr);
  EXPECT_EQ(IoCreateSynchronizationEvent(&lost, &handle), nullptr);
  EXPECT_EQ(handle, nullptr);
}

}  // namespace
}  // namespace ntemu::test
