#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

class MiscellaneousChecks : public VerifierTest {
 protected:
  MiscellaneousChecks() { verify(vf::kMiscellaneous); }
  static HANDLE create_event(ULONG attributes = OBJ_KERNEL_HANDLE) {
    OBJECT_ATTRIBUTES object;
    InitializeObjectAttributes(&object, nullptr, attributes, nullptr, nullptr);
    HANDLE handle = nullptr;
    EXPECT_EQ(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &object, NotificationEvent, FALSE), STATUS_SUCCESS);
    return handle;
  }
};

TEST_F(MiscellaneousChecks, HandlesThatAreNot) {
  const HANDLE handle = create_event();
  ZwClose(handle);
  PVOID body;
  expect_violation([&] { ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, KernelMode, &body, nullptr); }, 0x3C,
                   at(handle), at(*ExEventObjectType));
  expect_violation([&] { ObReferenceObjectByHandle(nullptr, 0, *ExEventObjectType, KernelMode, &body, nullptr); }, 0xF5,
                   0, at(*ExEventObjectType));
  // A user's handle may be anything.
  expect_silence([&] {
    EXPECT_EQ(ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, UserMode, &body, nullptr),
              STATUS_INVALID_HANDLE);
  });
}

TEST_F(MiscellaneousChecks, ClosingWhatCannotBeClosed) {
  verify(0);
  const HANDLE handle = create_event();
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  expect_stop(ke::catch_bugcheck([&] { ZwClose(handle); }), 0x93, {at(handle), 1, 0, 0});
  stop_verifying();
  EXPECT_EQ(ZwClose(handle), STATUS_INVALID_HANDLE);
}

TEST_F(MiscellaneousChecks, LookasideListsTwiceOrNever) {
  NPAGED_LOOKASIDE_LIST list{};
  expect_violation([&] { ExDeleteNPagedLookasideList(&list); }, 0xCB, at(&list));
  expect_violation([&] { ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 4, 'tseT', 0); }, 0xCD, at(&list),
                   4, LOOKASIDE_MINIMUM_BLOCK_SIZE);
  ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 64, 'tseT', 0);
  expect_violation([&] { ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 64, 'tseT', 0); }, 0xCA,
                   at(&list));
  expect_silence([&] { ExDeleteNPagedLookasideList(&list); });
  LOOKASIDE_LIST_EX other{};
  expect_violation([&] { ExInitializeLookasideListEx(&other, nullptr, nullptr, PagedPool, 0, 2, 'tseT', 0); }, 0xCD,
                   at(&other), 2, LOOKASIDE_MINIMUM_BLOCK_SIZE);
  expect_violation([&] { ExDeleteLookasideListEx(&other); }, 0xCB, at(&other));
}

TEST_F(MiscellaneousChecks, ResourcesTwiceOrNever) {
  ERESOURCE resource{};
  expect_violation([&] { ExDeleteResourceLite(&resource); }, 0xD1, at(&resource));
  ExInitializeResourceLite(&resource);
  expect_violation([&] { ExInitializeResourceLite(&resource); }, 0xD0, at(&resource));
  expect_silence([&] { ExDeleteResourceLite(&resource); });
  expect_violation([&] { ExDeleteResourceLite(&resource); }, 0xD1, at(&resource));
}

TEST_F(MiscellaneousChecks, AResourceThatIsNotAligned) {
  alignas(ERESOURCE) char room[sizeof(ERESOURCE) + 1] = {};
  KeEnterCriticalRegion();
  expect_violation([&] { ExAcquireResourceExclusiveLite(reinterpret_cast<PERESOURCE>(room + 1), TRUE); }, 0x3D, 0, 0,
                   at(room + 1));
  KeLeaveCriticalRegion();
}

TEST_F(MiscellaneousChecks, UserModeWaitForAnObjectOnTheStack) {
  SystemThread thread([] {
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    expect_violation([&] { KeWaitForSingleObject(&event, UserRequest, UserMode, FALSE, nullptr); }, 0x123, at(&event));
    PVOID objects[] = {&event};
    expect_violation(
        [&] { KeWaitForMultipleObjects(1, objects, WaitAll, UserRequest, UserMode, FALSE, nullptr, nullptr); }, 0x123,
        at(&event));
    expect_silence([&] { wait(&event); });
  });
  thread.join();
}

}  // namespace
}  // namespace ntemu::test
