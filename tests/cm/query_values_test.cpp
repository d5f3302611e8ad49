#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

struct Call {
  std::u16string name;
  ULONG type;
  std::u16string text;
  bool operator==(const Call &) const = default;
};

NTSTATUS record(PWSTR name, ULONG type, PVOID data, ULONG length, PVOID context, PVOID status) {
  Call call{name ? reinterpret_cast<char16_t *>(name) : u"", type, {}};
  if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ)
    call.text.assign(static_cast<char16_t *>(data), length / 2);
  static_cast<std::vector<Call> *>(context)->push_back(call);
  return static_cast<NTSTATUS>(reinterpret_cast<LONG_PTR>(status));
}

PWSTR wide(const char16_t *text) { return reinterpret_cast<PWSTR>(const_cast<char16_t *>(text)); }

class RtlQueryRegistryValues : public KernelTest {
 protected:
  RtlQueryRegistryValues() {
    key = *cm::create_key(u"\\Registry\\Machine\\System\\ControlSet001\\Services\\Test\\Parameters");
    cm::set_dword(key, u"Number", 7);
    cm::set_string(key, u"Text", REG_SZ, u"abc");
    cm::set_string(key, u"Path", REG_EXPAND_SZ, u"%systemroot%\\%nothing%\\100%");
    cm::set_string(key, u"List", REG_MULTI_SZ, std::u16string_view(u"one\0two\0", 8));
    cm::set_value(key, u"Bytes", REG_BINARY, "123456789", 9);
  }
  NTSTATUS run(RTL_QUERY_REGISTRY_TABLE entry, ULONG relative = RTL_REGISTRY_SERVICES,
               const char16_t *path = u"Test\\Parameters") {
    RTL_QUERY_REGISTRY_TABLE table[2]{entry, {}};
    calls.clear();
    return ::RtlQueryRegistryValues(relative, wide(path), table, &calls, nullptr);
  }
  RTL_QUERY_REGISTRY_TABLE named(const char16_t *name, ULONG flags = 0) {
    RTL_QUERY_REGISTRY_TABLE entry{};
    entry.QueryRoutine = record;
    entry.Flags = flags;
    entry.Name = wide(name);
    return entry;
  }
  RTL_QUERY_REGISTRY_TABLE direct(const char16_t *name, PVOID destination, ULONG type, ULONG flags = 0) {
    RTL_QUERY_REGISTRY_TABLE entry{};
    entry.Flags = flags | RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
    entry.Name = wide(name);
    entry.EntryContext = destination;
    entry.DefaultType = type << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    return entry;
  }

  cm::KeyId key;
  std::vector<Call> calls;
};

TEST_F(RtlQueryRegistryValues, FindsTheKey) {
  EXPECT_EQ(run(named(u"Number")), STATUS_SUCCESS);
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_EQ(run(named(u"Number"), RTL_REGISTRY_ABSOLUTE,
                u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Test\\Parameters"),
            STATUS_SUCCESS);
  EXPECT_EQ(run(named(u"Number"), RTL_REGISTRY_SERVICES, u"Missing"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(run(named(u"Number"), RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, u"Missing"), STATUS_SUCCESS);
  EXPECT_EQ(run(named(u"Number"), RTL_REGISTRY_CONTROL, nullptr), STATUS_SUCCESS);
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(run(named(u"Number"), 99), STATUS_INVALID_PARAMETER);
}

TEST_F(RtlQueryRegistryValues, ExpandsAndSplits) {
  EXPECT_EQ(run(named(u"Path")), STATUS_SUCCESS);
  EXPECT_EQ(calls, (std::vector<Call>{{u"Path", REG_SZ, std::u16string(u"C:\\Windows\\%nothing%\\100%\0", 26)}}));
  EXPECT_EQ(run(named(u"Path", RTL_QUERY_REGISTRY_NOEXPAND)), STATUS_SUCCESS);
  EXPECT_EQ(calls[0].type, ULONG{REG_EXPAND_SZ});
  EXPECT_EQ(run(named(u"List")), STATUS_SUCCESS);
  EXPECT_EQ(calls, (std::vector<Call>{{u"List", REG_SZ, std::u16string(u"one\0", 4)},
                                      {u"List", REG_SZ, std::u16string(u"two\0", 4)}}));
  EXPECT_EQ(run(named(u"List", RTL_QUERY_REGISTRY_NOEXPAND)), STATUS_SUCCESS);
  EXPECT_EQ(calls, (std::vector<Call>{{u"List", REG_MULTI_SZ, std::u16string(u"one\0two\0\0", 9)}}));
}

TEST_F(RtlQueryRegistryValues, EnumeratesWithoutAName) {
  EXPECT_EQ(run(named(nullptr)), STATUS_SUCCESS);
  EXPECT_EQ(calls.size(), 6u);  // the list comes as two
  EXPECT_EQ(run(named(nullptr, RTL_QUERY_REGISTRY_NOVALUE)), STATUS_SUCCESS);
  EXPECT_EQ(calls, (std::vector<Call>{{u"", REG_NONE, u""}}));
}

TEST_F(RtlQueryRegistryValues, StopsWithTheRoutinesStatus) {
  auto entry = named(nullptr);
  entry.EntryContext = reinterpret_cast<PVOID>(LONG_PTR{STATUS_ACCESS_DENIED});
  EXPECT_EQ(run(entry), STATUS_ACCESS_DENIED);
  EXPECT_EQ(calls.size(), 1u);
}

TEST_F(RtlQueryRegistryValues, RequiredAndDefaults) {
  EXPECT_EQ(run(named(u"Missing")), STATUS_SUCCESS);
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(run(named(u"Missing", RTL_QUERY_REGISTRY_REQUIRED)), STATUS_OBJECT_NAME_NOT_FOUND);
  auto entry = named(u"Missing");
  entry.DefaultType = REG_SZ;
  entry.DefaultData = wide(u"fallback");
  EXPECT_EQ(run(entry), STATUS_SUCCESS);
  EXPECT_EQ(calls, (std::vector<Call>{{u"Missing", REG_SZ, std::u16string(u"fallback\0", 9)}}));
  ULONG number = 0, fallback = 42;
  auto numeric = direct(u"Missing", &number, REG_DWORD);
  numeric.DefaultType |= REG_DWORD;
  numeric.DefaultData = &fallback;
  numeric.DefaultLength = sizeof(fallback);
  EXPECT_EQ(run(numeric), STATUS_SUCCESS);
  EXPECT_EQ(number, 42u);
}

TEST_F(RtlQueryRegistryValues, DirectNumbersAndStrings) {
  ULONG number = 0;
  EXPECT_EQ(run(direct(u"Number", &number, REG_DWORD)), STATUS_SUCCESS);
  EXPECT_EQ(number, 7u);
  EXPECT_EQ(run(direct(u"Number", &number, REG_SZ)), STATUS_OBJECT_TYPE_MISMATCH);
  UNICODE_STRING text{};
  ASSERT_EQ(run(direct(u"Text", &text, REG_SZ)), STATUS_SUCCESS);
  EXPECT_EQ(base::view(text), u"abc");
  EXPECT_EQ(text.MaximumLength, 8);
  ExFreePool(text.Buffer);
  WCHAR room[3];
  UNICODE_STRING small{0, sizeof(room), room};
  EXPECT_EQ(run(direct(u"Text", &small, REG_SZ)), STATUS_BUFFER_TOO_SMALL);
}

TEST_F(RtlQueryRegistryValues, DirectBinaryGoesBehindItsSize) {
  union {
    LONG size;
    ULONG head[2];
    char bytes[32];
  } buffer;
  buffer.size = sizeof(buffer);
  ASSERT_EQ(run(direct(u"Bytes", &buffer, REG_BINARY)), STATUS_SUCCESS);
  EXPECT_EQ(buffer.head[0], 9u);
  EXPECT_EQ(buffer.head[1], ULONG{REG_BINARY});
  EXPECT_EQ(std::string(buffer.bytes + 8, 9), "123456789");
  buffer.size = -9;
  ASSERT_EQ(run(direct(u"Bytes", &buffer, REG_BINARY)), STATUS_SUCCESS);
  EXPECT_EQ(std::string(buffer.bytes, 9), "123456789");
  buffer.size = -8;
  EXPECT_EQ(run(direct(u"Bytes", &buffer, REG_BINARY)), STATUS_BUFFER_TOO_SMALL);
  buffer.size = 16;
  EXPECT_EQ(run(direct(u"Bytes", &buffer, REG_BINARY)), STATUS_BUFFER_TOO_SMALL);
}

TEST_F(RtlQueryRegistryValues, DirectNeedsANameAndNoRoutine) {
  ULONG number;
  auto entry = direct(u"Number", &number, REG_DWORD);
  entry.QueryRoutine = record;
  EXPECT_EQ(run(entry), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(run(direct(nullptr, &number, REG_DWORD)), STATUS_INVALID_PARAMETER);
}

TEST_F(RtlQueryRegistryValues, SubkeysAndTheWayBack) {
  ASSERT_TRUE(cm::create_key(u"\\Registry\\Machine\\System\\ControlSet001\\Services\\Test\\Parameters\\Below"));
  cm::set_dword(*cm::open_key(key, u"Below"), u"Inner", 1);
  RTL_QUERY_REGISTRY_TABLE table[4]{};
  table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
  table[0].Name = wide(u"Below");
  table[1] = named(u"Inner", RTL_QUERY_REGISTRY_REQUIRED);
  table[2] = named(u"Number", RTL_QUERY_REGISTRY_REQUIRED | RTL_QUERY_REGISTRY_TOPKEY);
  EXPECT_EQ(::RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, wide(u"Test\\Parameters"), table, &calls, nullptr),
            STATUS_SUCCESS);
  EXPECT_EQ(calls.size(), 2u);
  table[0].Name = wide(u"Missing");
  EXPECT_EQ(::RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, wide(u"Test\\Parameters"), table, &calls, nullptr),
            STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(RtlQueryRegistryValues, DeletesWhatItDelivered) {
  EXPECT_EQ(run(named(u"Number", RTL_QUERY_REGISTRY_DELETE)), STATUS_SUCCESS);
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_EQ(cm::query_value(key, u"Number").status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

}  // namespace
}  // namespace ntemu::test
