#include "ntemu/ex/pool.h"
#include "ntemu/ob/header.h"
#include "ntemu/ps/process.h"
#include "tests/ob/sample_object.h"

namespace ntemu::test {
namespace {

using Object = KernelTest;
using ObReferenceObjectByPointer = KernelTest;
using ObfDereferenceObject = KernelTest;
using ObReferenceObjectSafe = KernelTest;
using ObOpenObjectByPointer = KernelTest;
using ObCloseHandle = KernelTest;

TEST_F(Object, BodyIsZeroedAndAligned) {
  for (const size_t size : {size_t{1}, size_t{24}, size_t{0x150}, size_t{5000}}) {
    auto *body = static_cast<UCHAR *>(ob::create(other_type, size));
    EXPECT_EQ(reinterpret_cast<ULONG_PTR>(body) % 16, 0u);
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(body[i], 0);
    ob::dereference(body);
  }
}

TEST_F(Object, HeaderIsWindowsOwn) {
  const auto sample = make_sample();
  const OBJECT_HEADER &header = ob::header_of(sample.get());
  EXPECT_EQ(header.PointerCount, 1);
  EXPECT_EQ(header.HandleCount, 0);
  EXPECT_EQ(ObTypeIndexTable[header.TypeIndex], &sample_type);
  EXPECT_GE(header.TypeIndex, 2);
}

TEST_F(Object, IsDeletedWithItsLastReferenceAndItsMemoryFreed) {
  std::atomic<int> deleted{0};
  make_sample();  // registers the type
  const auto before = ex::pool_use().blocks;
  {
    auto first = make_sample(&deleted);
    const auto second = first;
    first = {};
    EXPECT_EQ(deleted, 0);
  }
  EXPECT_EQ(deleted, 1);
  EXPECT_EQ(ex::pool_use().blocks, before);
}

TEST_F(Object, OneReferenceTooFewIsABugcheck) {
  const auto sample = make_sample();
  ob::header_of(sample.get()).PointerCount = 0;
  const auto bugcheck = ke::catch_bugcheck([&] { ob::dereference(sample.get()); });
  EXPECT_EQ(bugcheck.code, 0x18u);
  EXPECT_EQ(bugcheck.parameters[0], reinterpret_cast<ULONG_PTR>(&sample_type));
  EXPECT_EQ(bugcheck.parameters[1], reinterpret_cast<ULONG_PTR>(sample.get()));
  ob::header_of(sample.get()).PointerCount = 1;
}

TEST_F(ObReferenceObjectByPointer, ChecksTheType) {
  const auto sample = make_sample();
  EXPECT_EQ(::ObReferenceObjectByPointer(sample.get(), 0, &other_type, KernelMode), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(ob::reference_count(sample.get()), 1);
  EXPECT_EQ(::ObReferenceObjectByPointer(sample.get(), 0, &sample_type, KernelMode), STATUS_SUCCESS);
  EXPECT_EQ(::ObReferenceObjectByPointer(sample.get(), 0, nullptr, KernelMode), STATUS_SUCCESS);
  EXPECT_EQ(ob::reference_count(sample.get()), 3);
  ob::dereference(sample.get());
  ob::dereference(sample.get());
}

TEST_F(ObfDereferenceObject, ReturnsTheCountThatIsLeft) {
  const auto sample = make_sample();
  EXPECT_EQ(::ObfReferenceObject(sample.get()), 2);
  EXPECT_EQ(::ObfDereferenceObject(sample.get()), 1);
}

TEST_F(ObfDereferenceObject, DeferDeleteGivesBackAReferenceToo) {
  std::atomic<int> deleted{0};
  ::ObDereferenceObjectDeferDelete(make_sample(&deleted).release());
  EXPECT_EQ(deleted, 1);
}

TEST_F(ObReferenceObjectSafe, RefusesADyingObject) {
  const auto sample = make_sample();
  EXPECT_TRUE(::ObReferenceObjectSafe(sample.get()));
  ob::dereference(sample.get());
  ob::header_of(sample.get()).PointerCount = 0;
  EXPECT_FALSE(::ObReferenceObjectSafe(sample.get()));
  ob::header_of(sample.get()).PointerCount = 1;
}

TEST_F(ObOpenObjectByPointer, GivesAHandle) {
  const auto sample = make_sample();
  HANDLE handle;
  EXPECT_EQ(::ObOpenObjectByPointer(sample.get(), OBJ_KERNEL_HANDLE, nullptr, 1, &other_type, KernelMode, &handle),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(handle, nullptr);
  ASSERT_EQ(::ObOpenObjectByPointer(sample.get(), OBJ_KERNEL_HANDLE, nullptr, GENERIC_READ, &sample_type, KernelMode,
                                    &handle),
            STATUS_SUCCESS);
  PVOID object;
  OBJECT_HANDLE_INFORMATION information;
  ASSERT_EQ(::ObReferenceObjectByHandle(handle, 0, nullptr, KernelMode, &object, &information), STATUS_SUCCESS);
  EXPECT_EQ(object, sample.get());
  EXPECT_EQ(information.GrantedAccess, 0x20001u);
  ob::dereference(object);
  EXPECT_EQ(::ZwClose(handle), STATUS_SUCCESS);
}

TEST_F(ObCloseHandle, ClosesAsACallerOfThePreviousMode) {
  const auto sample = make_sample();
  HANDLE handle = *ob::create_handle(sample.get(), 1, OBJ_KERNEL_HANDLE);
  EXPECT_EQ(::ObCloseHandle(handle, UserMode), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ObCloseHandle(handle, KernelMode), STATUS_SUCCESS);
  EXPECT_EQ(::ObCloseHandle(handle, KernelMode), STATUS_INVALID_HANDLE);
  handle = *ob::create_handle(sample.get(), 1, OBJ_PROTECT_CLOSE);
  EXPECT_EQ(::NtClose(handle), STATUS_HANDLE_NOT_CLOSABLE);
  EXPECT_EQ(::ObCloseHandle(handle, UserMode), STATUS_HANDLE_NOT_CLOSABLE);
  EXPECT_EQ(ob::protect_handle(handle, false), STATUS_SUCCESS);
  EXPECT_EQ(::NtClose(handle), STATUS_SUCCESS);
  EXPECT_EQ(::NtClose(handle), STATUS_INVALID_HANDLE);
}

}  // namespace
}  // namespace ntemu::test
