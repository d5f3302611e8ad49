#include "ntemu/base/utf.h"
#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

class SecurityChecks : public VerifierTest {
 protected:
  SecurityChecks() {
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    verify(vf::kSecurity);
  }
  NTSTATUS open() {
    HANDLE handle;
    const NTSTATUS status = ZwOpenKey(&handle, KEY_READ, &attributes);
    if (NT_SUCCESS(status)) ZwClose(handle);
    return status;
  }
  const std::u16string path = u"\\Registry\\Machine";
  UNICODE_STRING name = base::to_unicode_string(path);
  OBJECT_ATTRIBUTES attributes;
};

TEST_F(SecurityChecks, ServicesAboveOrWithoutSpecialApcs) {
  expect_silence([&] { EXPECT_EQ(open(), STATUS_SUCCESS); });
  {
    const AtIrql apc(APC_LEVEL);
    expect_violation([&] { open(); }, 0xE6, kAny, APC_LEVEL, 0);
    expect_violation([] { ZwYieldExecution(); }, 0xE6, kAny, APC_LEVEL, 0);
  }
  KeEnterGuardedRegion();
  expect_violation([&] { open(); }, 0xE6, kAny, PASSIVE_LEVEL, 0xFFFF);
  KeLeaveGuardedRegion();
  KeEnterCriticalRegion();  // disables normal APCs only
  expect_silence([&] { EXPECT_EQ(open(), STATUS_SUCCESS); });
  KeLeaveCriticalRegion();
}

TEST_F(SecurityChecks, TheAddressIsInTheCaller) {
  const AtIrql apc(APC_LEVEL);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { open(); });
  EXPECT_GE(stop.parameters[1], at(&__executable_start));
  EXPECT_LT(stop.parameters[1], at(&_end));
}

TEST_F(SecurityChecks, MalformedNames) {
  const UNICODE_STRING good = name;
  name.Length = 3;
  expect_violation([&] { open(); }, 0xE4, kAny, at(&name));
  name = good;
  name.Length = static_cast<USHORT>(name.MaximumLength + sizeof(WCHAR));
  expect_violation([&] { open(); }, 0xE4, kAny, at(&name));
  name = good;
  name.Buffer = nullptr;
  expect_violation([&] { open(); }, 0xE4, kAny, at(&name));
  UNICODE_STRING value{.Length = 5, .MaximumLength = 6, .Buffer = good.Buffer};
  expect_violation([&] { ZwQueryValueKey(nullptr, &value, KeyValueFullInformation, nullptr, 0, nullptr); }, 0xE4, kAny,
                   at(&value));
}

TEST_F(SecurityChecks, UserModeAddresses) {
  const auto low = reinterpret_cast<PUNICODE_STRING>(ULONG_PTR{0x1000});
  attributes.ObjectName = low;
  expect_violation([&] { open(); }, 0xE3, kAny, 0x1000);
  const auto block = reinterpret_cast<PIO_STATUS_BLOCK>(ULONG_PTR{0x2000});
  expect_violation([&] { ZwReadFile(nullptr, nullptr, nullptr, nullptr, block, nullptr, 0, nullptr, nullptr); }, 0xE3,
                   kAny, 0x2000);
}

TEST_F(SecurityChecks, CloseIsToldByTheRuleWhereThatIsOn) {
  HANDLE handle;
  ASSERT_EQ(ZwOpenKey(&handle, KEY_READ, &attributes), STATUS_SUCCESS);
  {
    const AtIrql apc(APC_LEVEL);
    expect_violation([&] { ZwClose(handle); }, 0xE6, kAny, APC_LEVEL, 0);
    verify(vf::kStandardOptions);
    expect_violation([&] { ZwClose(handle); }, 0x2001F, kAny);
    expect_violation([&] { open(); }, 0xE6, kAny, APC_LEVEL, 0);
  }
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
}

}  // namespace
}  // namespace ntemu::test
