#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/cm/service.h"
#include "ntemu/ob/object.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

constexpr char16_t kService[] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Test";

class KeyTest : public KernelTest {
 protected:
  KeyTest() {
    EXPECT_FALSE(cm::create_service_key(u"Test", {.image_path = u"C:\\Test.sys"}));
    EXPECT_EQ(open(kService, key), STATUS_SUCCESS);
  }
  ~KeyTest() override { ::ZwClose(key); }

  static NTSTATUS open(std::u16string_view path, HANDLE &handle, HANDLE root = nullptr) {
    UNICODE_STRING name = base::to_unicode_string(path);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, nullptr);
    return ::ZwOpenKey(&handle, KEY_READ, &attributes);
  }
  NTSTATUS query(std::u16string_view value, KEY_VALUE_INFORMATION_CLASS information_class, ULONG room) {
    UNICODE_STRING name = base::to_unicode_string(value);
    std::memset(buffer, 0xEE, sizeof(buffer));
    length = 0;
    return ::ZwQueryValueKey(key, &name, information_class, buffer, room, &length);
  }

  HANDLE key = nullptr;
  alignas(8) UCHAR buffer[256];
  ULONG length = 0;
};
using ZwOpenKey = KeyTest;
using ZwQueryValueKey = KeyTest;

TEST_F(ZwOpenKey, OpensAbsoluteAndRelative) {
  HANDLE services, service, missing = nullptr;
  ASSERT_EQ(open(u"\\Registry\\Machine\\SYSTEM\\ControlSet001\\Services", services), STATUS_SUCCESS);
  EXPECT_EQ(open(u"test", service, services), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\test", missing, services), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(u"other", missing, services), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"", missing, services), STATUS_SUCCESS);
  ::ZwClose(missing);
  ::ZwClose(service);
  EXPECT_EQ(::ZwClose(services), STATUS_SUCCESS);
  EXPECT_EQ(open(u"test", missing, services), STATUS_INVALID_HANDLE);
  EXPECT_EQ(open(u"\\Registry\\Machine\\Nowhere\\Test", missing), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(open(u"\\Device", missing), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(ZwOpenKey, ObjectsKnowTheirNames) {
  PVOID object;
  ASSERT_EQ(ObReferenceObjectByHandle(key, 0, nullptr, KernelMode, &object, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(ob::name_of(object), u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\Test");
  ObDereferenceObject(object);
}

TEST_F(ZwQueryValueKey, PartialInformation) {
  const auto *information = reinterpret_cast<KEY_VALUE_PARTIAL_INFORMATION *>(buffer);
  EXPECT_EQ(query(u"START", KeyValuePartialInformation, 16), STATUS_SUCCESS);
  EXPECT_EQ(length, 16u);
  EXPECT_EQ(information->Type, ULONG{REG_DWORD});
  EXPECT_EQ(information->DataLength, 4u);
  EXPECT_EQ(information->Data[0], 3);
}

TEST_F(ZwQueryValueKey, TellsTheLengthWhenTheBufferIsSmall) {
  EXPECT_EQ(query(u"Start", KeyValuePartialInformation, 0), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(length, 16u);
  EXPECT_EQ(query(u"Start", KeyValuePartialInformation, 11), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(buffer[0], 0xEE);
  EXPECT_EQ(query(u"Start", KeyValuePartialInformation, 14), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(length, 16u);
  EXPECT_EQ(buffer[8], 4);   // DataLength is the whole one
  EXPECT_EQ(buffer[12], 3);  // what fits of the data
  EXPECT_EQ(buffer[14], 0xEE);
}

TEST_F(ZwQueryValueKey, BasicAndFullInformation) {
  EXPECT_EQ(query(u"start", KeyValueBasicInformation, sizeof(buffer)), STATUS_SUCCESS);
  const auto *basic = reinterpret_cast<KEY_VALUE_BASIC_INFORMATION *>(buffer);
  EXPECT_EQ(length, 12u + 10);
  EXPECT_EQ(basic->NameLength, 10u);
  EXPECT_EQ(std::memcmp(basic->Name, u"Start", 10), 0);
  EXPECT_EQ(query(u"start", KeyValueFullInformation, sizeof(buffer)), STATUS_SUCCESS);
  const auto *full = reinterpret_cast<KEY_VALUE_FULL_INFORMATION *>(buffer);
  EXPECT_EQ(full->DataOffset % 4, 0u);
  EXPECT_EQ(length, full->DataOffset + 4);
  EXPECT_EQ(buffer[full->DataOffset], 3);
  EXPECT_EQ(query(u"start", KeyValueFullInformation, 19), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(query(u"start", KeyValueFullInformation, 20), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(query(u"start", KeyValueFullInformationAlign64, sizeof(buffer)), STATUS_SUCCESS);
  EXPECT_EQ(full->DataOffset % 8, 0u);
  EXPECT_EQ(query(u"start", KeyValuePartialInformationAlign64, sizeof(buffer)), STATUS_SUCCESS);
  EXPECT_EQ(length, 12u);
  EXPECT_EQ(buffer[8], 3);
}

TEST_F(ZwQueryValueKey, TellsWhatIsWrong) {
  EXPECT_EQ(query(u"Missing", KeyValuePartialInformation, sizeof(buffer)), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(query(u"Start", MaxKeyValueInfoClass, sizeof(buffer)), STATUS_INVALID_PARAMETER);
  UNICODE_STRING name = base::to_unicode_string(u"Start");
  EXPECT_EQ(::ZwQueryValueKey(NtCurrentThread(), &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
            STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(::ZwQueryValueKey(nullptr, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
            STATUS_INVALID_HANDLE);
  ASSERT_EQ(cm::delete_key(*cm::open_key(kService)), STATUS_SUCCESS);
  EXPECT_EQ(query(u"Start", KeyValuePartialInformation, sizeof(buffer)), STATUS_KEY_DELETED);
}

}  // namespace
}  // namespace ntemu::test
