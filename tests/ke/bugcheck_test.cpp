#include "ntemu/api/table.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using KeBugCheckTest = KernelTest;

TEST_F(KeBugCheckTest, CarriesItsCodeAndParameters) {
  const ke::Bugcheck stop = ke::catch_bugcheck([] { KeBugCheckEx(0xE2, 1, 2, 3, 4); });
  EXPECT_EQ(stop.code, 0xE2u);
  for (ULONG_PTR i = 0; i < 4; ++i) EXPECT_EQ(stop.parameters[i], i + 1);
}

TEST_F(KeBugCheckTest, HasZeroParametersWithoutEx) {
  const ke::Bugcheck stop = ke::catch_bugcheck([] { KeBugCheck(0xE2); });
  EXPECT_EQ(stop.code, 0xE2u);
  for (const ULONG_PTR parameter : stop.parameters) EXPECT_EQ(parameter, 0u);
}

TEST_F(KeBugCheckTest, EndsTheProcessWithItsExitCodeAndText) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(KeBugCheckEx(0xE2, 1, 2, 3, 4), ::testing::ExitedWithCode(ke::kBugcheckExitCode),
              "STOP: 0x000000E2 .*0x0000000000000001.*MANUALLY_INITIATED_CRASH");
}

TEST_F(KeBugCheckTest, ExRaiseStatusOfAnAdoptedThreadIs1E) {
  EXPECT_EQ(ke::catch_bugcheck([] { ExRaiseStatus(STATUS_ACCESS_DENIED); }).code, 0x1Eu);
  EXPECT_EQ(ke::catch_raise([] { ExRaiseStatus(STATUS_ACCESS_DENIED); }), STATUS_ACCESS_DENIED);
}

TEST_F(KeBugCheckTest, EveryStubNamesItself) {
  int stubs = 0;
  for (const api::Entry &entry : api::table()) {
    if (entry.level != api::Level::Stub) continue;
    ++stubs;
    const ke::Bugcheck stop = ke::catch_bugcheck([&] { reinterpret_cast<void (*)()>(entry.address)(); });
    EXPECT_EQ(stop.code, 0xDEAD0001u) << entry.name;
    EXPECT_EQ(reinterpret_cast<const char *>(stop.parameters[0]), entry.name);
  }
  EXPECT_GT(stubs, 100);
}

}  // namespace
}  // namespace ntemu::test
