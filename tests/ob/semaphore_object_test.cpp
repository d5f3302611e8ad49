#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

class SemaphoreObject : public KernelTest {
 protected:
  static NTSTATUS create(PHANDLE handle, POBJECT_ATTRIBUTES attributes, LONG count = 0, LONG limit = 4) {
    return ZwCreateSemaphore(handle, SEMAPHORE_ALL_ACCESS, attributes, count, limit);
  }
  static NTSTATUS open(PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
    return ZwOpenSemaphore(handle, SEMAPHORE_ALL_ACCESS, attributes);
  }
};
using ZwReleaseSemaphore = SemaphoreObject;
using ZwQuerySemaphore = SemaphoreObject;

TEST_F(SemaphoreObject, NamesFollowTheRules) {
  check_names([](PHANDLE handle, POBJECT_ATTRIBUTES attributes) { return create(handle, attributes); }, open);
}

TEST_F(SemaphoreObject, CountsAreChecked) {
  Handle handle;
  for (const auto &[count, limit] : {std::pair(-1, 4), std::pair(5, 4), std::pair(0, 0), std::pair(0, -1)})
    EXPECT_EQ(create(&handle, nullptr, count, limit), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(create(&handle, nullptr, 4, 4), STATUS_SUCCESS);
}

TEST_F(SemaphoreObject, IsASemaphoreOfItsType) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, 1, 4), STATUS_SUCCESS);
  PVOID body;
  ASSERT_EQ(ObReferenceObjectByHandle(handle, SYNCHRONIZE, *ExSemaphoreObjectType, UserMode, &body, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(KeReadStateSemaphore(static_cast<PKSEMAPHORE>(body)), 1);
  ObDereferenceObject(body);
}

TEST_F(ZwReleaseSemaphore, AddsToTheCountAndTellsThatBefore) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, 1, 4), STATUS_SUCCESS);
  LONG before = 7;
  EXPECT_EQ(::ZwReleaseSemaphore(handle, 2, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 1);
  EXPECT_EQ(::ZwReleaseSemaphore(handle, 1, nullptr), STATUS_SUCCESS);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(handle), STATUS_TIMEOUT);
}

TEST_F(ZwReleaseSemaphore, PastTheLimitChangesNothing) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, 3, 4), STATUS_SUCCESS);
  LONG before = 7;
  EXPECT_EQ(::ZwReleaseSemaphore(handle, 2, &before), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  EXPECT_EQ(::ZwReleaseSemaphore(handle, MAXLONG, &before), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  EXPECT_EQ(::ZwReleaseSemaphore(handle, 0, &before), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(::ZwReleaseSemaphore(handle, -1, &before), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(before, 7);
  EXPECT_EQ(::ZwReleaseSemaphore(handle, 1, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 3);
}

TEST_F(ZwReleaseSemaphore, RefusesWhatIsNoSemaphore) {
  EXPECT_EQ(::ZwReleaseSemaphore(kNoHandle, 1, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwReleaseSemaphore(NtCurrentThread(), 1, nullptr), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(ZwQuerySemaphore, TellsCountAndLimit) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, 3, 4), STATUS_SUCCESS);
  SEMAPHORE_BASIC_INFORMATION information{};
  ULONG length = 0;
  ASSERT_EQ(::ZwQuerySemaphore(handle, SemaphoreBasicInformation, &information, sizeof information, &length),
            STATUS_SUCCESS);
  EXPECT_EQ(information.CurrentCount, 3);
  EXPECT_EQ(information.MaximumCount, 4);
  EXPECT_EQ(length, 8u);
  EXPECT_EQ(::ZwQuerySemaphore(handle, no_such<SEMAPHORE_INFORMATION_CLASS>(1), &information, 8, nullptr),
            STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwQuerySemaphore(handle, SemaphoreBasicInformation, &information, 4, nullptr),
            STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(::ZwQuerySemaphore(kNoHandle, SemaphoreBasicInformation, &information, 8, nullptr), STATUS_INVALID_HANDLE);
}

}  // namespace
}  // namespace ntemu::test
