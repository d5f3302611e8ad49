#include "ntemu/base/utf.h"
#include "tests/ob/sync_fixture.h"

namespace ntemu::test {
namespace {

using ZwQueryObject = KernelTest;
using ZwDuplicateObject = KernelTest;
using ZwMakeTemporaryObject = KernelTest;
using ZwCreateDirectoryObject = KernelTest;
using ZwQuerySymbolicLinkObject = KernelTest;
using ObReferenceObjectByName = KernelTest;
using ObOpenObjectByName = KernelTest;

HANDLE new_event(POBJECT_ATTRIBUTES attributes = nullptr, ACCESS_MASK access = EVENT_ALL_ACCESS) {
  HANDLE handle = nullptr;
  EXPECT_EQ(ZwCreateEvent(&handle, access, attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
  return handle;
}

TEST_F(ZwQueryObject, TellsAccessAndCounts) {
  const Handle handle(new_event(nullptr, GENERIC_READ));
  PUBLIC_OBJECT_BASIC_INFORMATION information;
  ULONG length = 0;
  ASSERT_EQ(::ZwQueryObject(handle, ObjectBasicInformation, &information, sizeof information, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, sizeof information);
  EXPECT_EQ(information.GrantedAccess, ULONG{READ_CONTROL | EVENT_QUERY_STATE});
  EXPECT_EQ(information.HandleCount, 1u);
  EXPECT_EQ(information.PointerCount, 2u) << "the handle's and the query's own";
  EXPECT_EQ(::ZwQueryObject(handle, ObjectBasicInformation, &information, 8, nullptr), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(::ZwQueryObject(kNoHandle, ObjectBasicInformation, &information, sizeof information, nullptr),
            STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwQueryObject(handle, no_such<OBJECT_INFORMATION_CLASS>(99), &information, sizeof information, nullptr),
            STATUS_INVALID_INFO_CLASS);
}

TEST_F(ZwQueryObject, TellsNameAndType) {
  Name name(u"\\BaseNamedObjects\\Asked");
  const Handle handle(new_event(&name.attributes));
  alignas(8) UCHAR buffer[256];
  ULONG length = 0;
  EXPECT_EQ(::ZwQueryObject(handle, ObjectNameInformation, buffer, 8, &length), STATUS_INFO_LENGTH_MISMATCH);
  ASSERT_EQ(::ZwQueryObject(handle, ObjectNameInformation, buffer, length, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(base::view(reinterpret_cast<POBJECT_NAME_INFORMATION>(buffer)->Name), u"\\BaseNamedObjects\\Asked");
  EXPECT_EQ(::ZwQueryObject(handle, ObjectTypeInformation, buffer, 8, &length), STATUS_INFO_LENGTH_MISMATCH);
  ASSERT_EQ(::ZwQueryObject(handle, ObjectTypeInformation, buffer, length, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(base::view(reinterpret_cast<PPUBLIC_OBJECT_TYPE_INFORMATION>(buffer)->TypeName), u"Event");
}

TEST_F(ZwDuplicateObject, OpensAnotherHandle) {
  const Handle source(new_event(nullptr, EVENT_QUERY_STATE));
  Handle same, other;
  ASSERT_EQ(::ZwDuplicateObject(NtCurrentProcess(), source, NtCurrentProcess(), &same, 0, 0, DUPLICATE_SAME_ACCESS),
            STATUS_SUCCESS);
  ASSERT_EQ(::ZwDuplicateObject(NtCurrentProcess(), source, NtCurrentProcess(), &other, EVENT_MODIFY_STATE,
                                OBJ_KERNEL_HANDLE, 0),
            STATUS_SUCCESS);
  EXPECT_EQ(body_of(same), body_of(source));
  for (const auto &[handle, access] :
       {std::pair(HANDLE{same}, EVENT_QUERY_STATE), std::pair(HANDLE{other}, EVENT_MODIFY_STATE)}) {
    PUBLIC_OBJECT_BASIC_INFORMATION information;
    ASSERT_EQ(::ZwQueryObject(handle, ObjectBasicInformation, &information, sizeof information, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(information.GrantedAccess, static_cast<ULONG>(access));
  }
}

TEST_F(ZwDuplicateObject, ClosesTheSource) {
  const HANDLE source = new_event();
  Handle target;
  ASSERT_EQ(::ZwDuplicateObject(NtCurrentProcess(), source, NtCurrentProcess(), &target, 0, 0,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
            STATUS_SUCCESS);
  EXPECT_EQ(ZwClose(source), STATUS_INVALID_HANDLE);
  const HANDLE lost = new_event();
  EXPECT_EQ(::ZwDuplicateObject(NtCurrentProcess(), lost, nullptr, nullptr, 0, 0, DUPLICATE_CLOSE_SOURCE),
            STATUS_SUCCESS);
  EXPECT_EQ(ZwClose(lost), STATUS_INVALID_HANDLE);
}

TEST_F(ZwDuplicateObject, RefusesBadHandles) {
  const Handle source(new_event());
  HANDLE target = nullptr;
  EXPECT_EQ(::ZwDuplicateObject(kNoHandle, source, NtCurrentProcess(), &target, 0, 0, 0), STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwDuplicateObject(source, source, NtCurrentProcess(), &target, 0, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(::ZwDuplicateObject(NtCurrentProcess(), kNoHandle, NtCurrentProcess(), &target, 0, 0, 0),
            STATUS_INVALID_HANDLE);
  EXPECT_EQ(target, nullptr);
}

TEST_F(ZwMakeTemporaryObject, LetsTheNameGoWithTheLastHandle) {
  Name permanent(u"\\BaseNamedObjects\\Stays", OBJ_PERMANENT);
  HANDLE handle = new_event(&permanent.attributes);
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  ASSERT_EQ(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &permanent.attributes), STATUS_SUCCESS) << "the name stays";
  EXPECT_EQ(::ZwMakeTemporaryObject(handle), STATUS_SUCCESS);
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  EXPECT_EQ(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &permanent.attributes), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(::ZwMakeTemporaryObject(kNoHandle), STATUS_INVALID_HANDLE);
}

TEST_F(ZwCreateDirectoryObject, HoldsNames) {
  Name path(u"\\BaseNamedObjects\\Mine"), open_if(u"\\BaseNamedObjects\\Mine", OBJ_OPENIF);
  Handle directory, again, event;
  ASSERT_EQ(::ZwCreateDirectoryObject(&directory, DIRECTORY_ALL_ACCESS, &path.attributes), STATUS_SUCCESS);
  EXPECT_EQ(::ZwCreateDirectoryObject(&again, DIRECTORY_ALL_ACCESS, &path.attributes), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(::ZwCreateDirectoryObject(&again, DIRECTORY_ALL_ACCESS, &open_if.attributes), STATUS_OBJECT_NAME_EXISTS);
  EXPECT_EQ(ZwOpenDirectoryObject(&again, DIRECTORY_ALL_ACCESS, &path.attributes), STATUS_SUCCESS);
  Name relative(u"Inner", 0, directory), full(u"\\BaseNamedObjects\\Mine\\Inner");
  const Handle inner(new_event(&relative.attributes));
  EXPECT_EQ(ZwOpenEvent(&event, EVENT_ALL_ACCESS, &full.attributes), STATUS_SUCCESS);
  EXPECT_EQ(body_of(event), body_of(inner));
  EXPECT_EQ(ZwOpenDirectoryObject(&again, DIRECTORY_ALL_ACCESS, &full.attributes), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(ZwQuerySymbolicLinkObject, TellsTheTarget) {
  Name path(u"\\DosDevices"), device(u"\\Device");
  Handle link, none;
  ASSERT_EQ(ZwOpenSymbolicLinkObject(&link, SYMBOLIC_LINK_QUERY, &path.attributes), STATUS_SUCCESS);
  EXPECT_EQ(ZwOpenSymbolicLinkObject(&none, SYMBOLIC_LINK_QUERY, &device.attributes), STATUS_OBJECT_TYPE_MISMATCH);
  WCHAR buffer[8] = {};
  UNICODE_STRING target{0, 4, buffer};
  ULONG length = 0;
  EXPECT_EQ(::ZwQuerySymbolicLinkObject(link, &target, &length), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(length, 6u);
  target.MaximumLength = 6;
  EXPECT_EQ(::ZwQuerySymbolicLinkObject(link, &target, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(base::view(target), u"\\??");
  EXPECT_EQ(::ZwQuerySymbolicLinkObject(kNoHandle, &target, nullptr), STATUS_INVALID_HANDLE);
}

TEST_F(ObReferenceObjectByName, AddsAReference) {
  Name name(u"\\BaseNamedObjects\\Found");
  const Handle handle(new_event(&name.attributes));
  PVOID body = nullptr;
  ASSERT_EQ(::ObReferenceObjectByName(&name.string, OBJ_CASE_INSENSITIVE, nullptr, 0, *ExEventObjectType, KernelMode,
                                      nullptr, &body),
            STATUS_SUCCESS);
  EXPECT_EQ(body, body_of(handle));
  EXPECT_EQ(ob::reference_count(body), 3) << "handle, name and ours";
  ObDereferenceObject(body);
  EXPECT_EQ(::ObReferenceObjectByName(&name.string, 0, nullptr, 0, *ExSemaphoreObjectType, KernelMode, nullptr, &body),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(body, nullptr);
}

TEST_F(ObOpenObjectByName, OpensAHandle) {
  Name name(u"\\BaseNamedObjects\\Opened"), lost(u"\\BaseNamedObjects\\Lost");
  const Handle event(new_event(&name.attributes));
  Handle handle;
  ASSERT_EQ(
      ::ObOpenObjectByName(&name.attributes, *ExEventObjectType, KernelMode, nullptr, SYNCHRONIZE, nullptr, &handle),
      STATUS_SUCCESS);
  EXPECT_EQ(body_of(handle), body_of(event));
  EXPECT_EQ(::ObOpenObjectByName(&lost.attributes, nullptr, KernelMode, nullptr, 0, nullptr, &handle),
            STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(::ObOpenObjectByName(nullptr, nullptr, KernelMode, nullptr, 0, nullptr, &handle), STATUS_INVALID_PARAMETER);
}

}  // namespace
}  // namespace ntemu::test
