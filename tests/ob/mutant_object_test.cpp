#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

class MutantObject : public KernelTest {
 protected:
  static NTSTATUS create(PHANDLE handle, POBJECT_ATTRIBUTES attributes, BOOLEAN owned = FALSE) {
    return ZwCreateMutant(handle, MUTANT_ALL_ACCESS, attributes, owned);
  }
  static NTSTATUS open(PHANDLE handle, POBJECT_ATTRIBUTES attributes) {
    return ZwOpenMutant(handle, MUTANT_ALL_ACCESS, attributes);
  }
  static MUTANT_BASIC_INFORMATION query(HANDLE handle) {
    MUTANT_BASIC_INFORMATION information{};
    EXPECT_EQ(::ZwQueryMutant(handle, MutantBasicInformation, &information, sizeof information, nullptr),
              STATUS_SUCCESS);
    return information;
  }
  static void run(const std::function<void()> &body) { SystemThread(body).join(); }
};
using ZwReleaseMutant = MutantObject;
using ZwQueryMutant = MutantObject;

TEST_F(MutantObject, NamesFollowTheRules) {
  check_names([](PHANDLE handle, POBJECT_ATTRIBUTES attributes) { return create(handle, attributes); }, open);
}

TEST_F(MutantObject, OwningItDoesNotDisableApcs) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  EXPECT_FALSE(KeAreApcsDisabled());
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
}

TEST_F(MutantObject, TheInitialOwnerOwnsANewOneOnly) {
  Name name(u"\\BaseNamedObjects\\Owned", OBJ_OPENIF);
  Handle first, second;
  ASSERT_EQ(create(&first, &name.attributes, TRUE), STATUS_SUCCESS);
  EXPECT_TRUE(query(first).OwnedByCaller);
  EXPECT_EQ(query(first).CurrentCount, 0);
  run([&] {
    EXPECT_EQ(create(&second, &name.attributes, TRUE), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_FALSE(query(second).OwnedByCaller);
    EXPECT_TRUE(IsListEmpty(&KeGetCurrentThread()->MutantListHead));
    EXPECT_EQ(poll_handle(second), STATUS_TIMEOUT);
  });
  EXPECT_EQ(::ZwReleaseMutant(first, nullptr), STATUS_SUCCESS);
}

TEST_F(MutantObject, IsAbandonedWhenItsOwnerEnds) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  run([&] {
    EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
    EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  });
  EXPECT_EQ(query(handle).CurrentCount, 1);
  EXPECT_TRUE(query(handle).AbandonedState);
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_ABANDONED);
  EXPECT_EQ(poll_handle(handle), STATUS_ABANDONED);
  EXPECT_FALSE(query(handle).AbandonedState);
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
}

TEST_F(MutantObject, AWaiterIsToldThatTheOwnerEnded) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr), STATUS_SUCCESS);
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread owner([&] {
    EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
    wait(&gate);
  });
  owner.await_blocked();
  SystemThread waiter([&] {
    EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_ABANDONED);
    EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
  });
  waiter.await_blocked();
  KeSetEvent(&gate, 0, FALSE);
  waiter.join();
}

TEST_F(MutantObject, IsTakenFromItsOwnerWhenItIsDeleted) {
  HANDLE handle;
  ASSERT_EQ(create(&handle, nullptr, TRUE), STATUS_SUCCESS);
  EXPECT_FALSE(IsListEmpty(&KeGetCurrentThread()->MutantListHead));
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  EXPECT_TRUE(IsListEmpty(&KeGetCurrentThread()->MutantListHead));
}

TEST_F(ZwReleaseMutant, TellsTheStateBefore) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(poll_handle(handle), STATUS_SUCCESS);
  LONG before = 7;
  EXPECT_EQ(::ZwReleaseMutant(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, -1);
  EXPECT_EQ(::ZwReleaseMutant(handle, &before), STATUS_SUCCESS);
  EXPECT_EQ(before, 0);
  EXPECT_EQ(::ZwReleaseMutant(handle, &before), STATUS_MUTANT_NOT_OWNED);
  EXPECT_EQ(before, 0);
}

TEST_F(ZwReleaseMutant, RefusesWhatIsNotTheCallers) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, TRUE), STATUS_SUCCESS);
  run([&] { EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_MUTANT_NOT_OWNED); });
  EXPECT_EQ(::ZwReleaseMutant(kNoHandle, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwReleaseMutant(NtCurrentThread(), nullptr), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
}

TEST_F(ZwQueryMutant, TellsCountOwnerAndAbandonment) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, TRUE), STATUS_SUCCESS);
  MUTANT_BASIC_INFORMATION information;
  ULONG length = 0;
  ASSERT_EQ(::ZwQueryMutant(handle, MutantBasicInformation, &information, sizeof information, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 8u);
  EXPECT_EQ(information.CurrentCount, 0);
  EXPECT_TRUE(information.OwnedByCaller);
  EXPECT_FALSE(information.AbandonedState);
  run([&] { EXPECT_FALSE(query(handle).OwnedByCaller); });
  EXPECT_EQ(::ZwQueryMutant(handle, no_such<MUTANT_INFORMATION_CLASS>(1), &information, 8, nullptr),
            STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwQueryMutant(handle, MutantBasicInformation, &information, 4, nullptr), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(::ZwQueryMutant(kNoHandle, MutantBasicInformation, &information, 8, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
}

TEST_F(MutantObject, AcquiredOnceTooOftenIsAStatus) {
  Handle handle;
  ASSERT_EQ(create(&handle, nullptr, TRUE), STATUS_SUCCESS);
  auto *mutant = static_cast<PKMUTANT>(body_of(handle));
  const LONG before = mutant->Header.SignalState;
  mutant->Header.SignalState = MINLONG;
  EXPECT_EQ(poll_handle(handle), STATUS_MUTANT_LIMIT_EXCEEDED);
  const HANDLE handles[] = {handle};
  LARGE_INTEGER now{};
  EXPECT_EQ(ZwWaitForMultipleObjects(1, const_cast<HANDLE *>(handles), WaitAny, FALSE, &now),
            STATUS_MUTANT_LIMIT_EXCEEDED);
  mutant->Header.SignalState = before;
  EXPECT_EQ(::ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
}

}  // namespace
}  // namespace ntemu::test
