#include <thread>

#include "ntemu/ps/process.h"
#include "tests/ob/sample_object.h"

namespace ntemu::test {
namespace {

using Handle = KernelTest;
using ZwClose = KernelTest;
using ObReferenceObjectByHandle = KernelTest;
using ZwWaitForSingleObject = KernelTest;

HANDLE open(void *body, ACCESS_MASK access = 1, ULONG attributes = 0) {
  return *ob::create_handle(body, access, attributes);
}

TEST_F(Handle, ValuesAreMultiplesOfFour) {
  const auto sample = make_sample();
  const HANDLE handle = open(sample.get());
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(handle) % 4, 0u);
  EXPECT_LT(reinterpret_cast<ULONG_PTR>(handle), 0x80000000u);
  EXPECT_EQ(ob::handle_count(sample.get()), 1);
  EXPECT_EQ(ob::close_handle(handle), STATUS_SUCCESS);
}

TEST_F(Handle, KernelHandlesHaveTheHighBitsSetAndAreNotForUserMode) {
  const auto sample = make_sample();
  const HANDLE handle = open(sample.get(), 1, OBJ_KERNEL_HANDLE);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(handle) >> 31, 0x1FFFFFFFFu);
  EXPECT_EQ(ob::reference_by_handle(handle, 0, nullptr, UserMode).status(), STATUS_INVALID_HANDLE);
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode);
  ASSERT_TRUE(body);
  ob::dereference(*body);
  EXPECT_EQ(ob::close_handle(handle), STATUS_SUCCESS);
}

TEST_F(Handle, ManyAreKeptApart) {
  const size_t before = ob::open_handles();
  std::vector<std::pair<HANDLE, Sample *>> all;
  for (ULONG64 i = 0; i < 5000; ++i) {
    const auto sample = make_sample();
    sample->value = i;
    all.emplace_back(open(sample.get()), sample.get());
  }
  EXPECT_EQ(ob::open_handles(), before + 5000);
  for (const auto &[handle, sample] : all) {
    const auto body = ob::reference_by_handle(handle, 0, &sample_type, KernelMode);
    ASSERT_TRUE(body);
    EXPECT_EQ(*body, sample);
    ob::dereference(*body);
  }
  for (const auto &[handle, sample] : all) EXPECT_EQ(ob::close_handle(handle), STATUS_SUCCESS);
  EXPECT_EQ(ob::open_handles(), before);
}

TEST_F(Handle, CleanupRunsAtTheLastHandleAndDeletionAtTheLastReference) {
  std::atomic<int> deleted{0}, cleaned{0};
  auto sample = make_sample(&deleted, &cleaned);
  const HANDLE first = open(sample.get()), second = open(sample.get());
  EXPECT_EQ(ob::close_handle(first), STATUS_SUCCESS);
  EXPECT_EQ(cleaned, 0);
  EXPECT_EQ(ob::close_handle(second), STATUS_SUCCESS);
  EXPECT_EQ(cleaned, 1);
  EXPECT_EQ(deleted, 0);
  sample = {};
  EXPECT_EQ(deleted, 1);
}

TEST_F(Handle, LookupsRaceWithCloses) {
  std::atomic<int> deleted{0};
  std::atomic<HANDLE> shared{nullptr};
  std::atomic<bool> done{false};
  const int count = rounds(2000, 50000);
  std::thread reader([&] {
    while (!done) {
      const auto body = ob::reference_by_handle(shared, 0, &sample_type, KernelMode);
      if (!body) continue;
      EXPECT_EQ(static_cast<Sample *>(*body)->value, 0x5AFE5AFEu);
      ob::dereference(*body);
    }
  });
  for (int i = 0; i < count; ++i) {
    auto sample = make_sample(&deleted);
    sample->value = 0x5AFE5AFE;
    shared = open(sample.get());
    sample = {};
    EXPECT_EQ(ob::close_handle(shared), STATUS_SUCCESS);
  }
  done = true;
  reader.join();
  EXPECT_EQ(deleted, count);
}

TEST_F(Handle, OnlyOneOfTwoClosesSucceeds) {
  for (int i = 0; i < rounds(500, 20000); ++i) {
    const HANDLE handle = open(make_sample().get());
    std::atomic<int> closed{0};
    std::thread other([&] { closed += NT_SUCCESS(ob::close_handle(handle)); });
    closed += NT_SUCCESS(ob::close_handle(handle));
    other.join();
    ASSERT_EQ(closed, 1);
  }
}

TEST_F(ZwClose, RefusesWhatIsNoHandle) {
  const HANDLE handle = open(make_sample().get());
  EXPECT_EQ(::ZwClose(handle), STATUS_SUCCESS);
  EXPECT_EQ(::ZwClose(handle), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwClose(nullptr), STATUS_INVALID_HANDLE);
  for (const ULONG64 value : {0x7FFFFFFCull, 0xFFFFFFFF80000000ull, 0xFFFFFFFFFFFFFFF0ull, 0xDEADBEEF00000004ull}) {
    EXPECT_EQ(::ZwClose(reinterpret_cast<HANDLE>(value)), STATUS_INVALID_HANDLE) << value;
  }
}

TEST_F(ZwClose, RefusesAProtectedHandle) {
  const auto sample = make_sample();
  const HANDLE handle = open(sample.get(), 1, OBJ_PROTECT_CLOSE);
  EXPECT_EQ(::ZwClose(handle), STATUS_HANDLE_NOT_CLOSABLE);
  EXPECT_EQ(ob::handle_count(sample.get()), 1);
  EXPECT_EQ(ob::protect_handle(handle, false), STATUS_SUCCESS);
  EXPECT_EQ(::ZwClose(handle), STATUS_SUCCESS);
}

TEST_F(ObReferenceObjectByHandle, ChecksTypeHandleAndAccess) {
  const HANDLE handle = open(make_sample().get(), GENERIC_READ);
  PVOID object = &object;
  EXPECT_EQ(::ObReferenceObjectByHandle(handle, 0, &other_type, KernelMode, &object, nullptr),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(object, nullptr);
  EXPECT_EQ(::ObReferenceObjectByHandle(handle, 2, &sample_type, UserMode, &object, nullptr), STATUS_ACCESS_DENIED);
  EXPECT_EQ(::ObReferenceObjectByHandle(nullptr, 0, nullptr, KernelMode, &object, nullptr), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ObReferenceObjectByHandle(handle, 2, &sample_type, KernelMode, &object, nullptr), STATUS_SUCCESS);
  ob::dereference(object);
  EXPECT_EQ(::ObReferenceObjectByHandle(handle, 1, &sample_type, UserMode, &object, nullptr), STATUS_SUCCESS);
  ob::dereference(object);
  ::ZwClose(handle);
}

TEST_F(ObReferenceObjectByHandle, KnowsTheCurrentThreadAndProcess) {
  PVOID object;
  ASSERT_EQ(::ObReferenceObjectByHandle(NtCurrentThread(), 0, *PsThreadType, KernelMode, &object, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(object, PsGetCurrentThread());
  ob::dereference(object);
  ASSERT_EQ(::ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsProcessType, KernelMode, &object, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(object, PsInitialSystemProcess);
  ob::dereference(object);
  EXPECT_EQ(::ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsThreadType, KernelMode, &object, nullptr),
            STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(ZwWaitForSingleObject, WaitsForAThread) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&event); });
  const HANDLE handle = open(&thread.thread(), SYNCHRONIZE);
  LARGE_INTEGER now{};
  EXPECT_EQ(::ZwWaitForSingleObject(handle, FALSE, &now), STATUS_TIMEOUT);
  KeSetEvent(&event, 0, FALSE);
  EXPECT_EQ(::ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS);
  ::ZwClose(handle);
  EXPECT_EQ(::ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_INVALID_HANDLE);
}

TEST_F(ZwWaitForSingleObject, SaysUserRequest) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread first([&] { wait(&event); });
  const HANDLE handle = open(&first.thread(), SYNCHRONIZE);
  SystemThread second([&] { ::ZwWaitForSingleObject(handle, FALSE, nullptr); });
  second.await_blocked();
  EXPECT_EQ(second.tcb().WaitReason, UserRequest);
  KeSetEvent(&event, 0, FALSE);
  second.join();
  ::ZwClose(handle);
}

TEST_F(ZwWaitForSingleObject, RefusesAnObjectThatCannotBeWaitedOn) {
  const HANDLE handle = open(make_sample().get());
  EXPECT_EQ(::ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_OBJECT_TYPE_MISMATCH);
  ::ZwClose(handle);
}

}  // namespace
}  // namespace ntemu::test
