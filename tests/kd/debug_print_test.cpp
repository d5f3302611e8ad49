#include "ntemu/kd/debug_print.h"

#include <gmock/gmock.h>

#include <cstdarg>
#include <string>
#include <vector>

#include "ntemu/include/ntemu/machine.h"
#include "ntemu/ke/bugcheck.h"
#include "ntifs.h"

namespace ntemu::test {
namespace {

using ::testing::ElementsAre;

class DebugPrint : public ::testing::Test {
 protected:
  DebugPrint() {
    auto booted = Machine::boot({.directory = {},
                                 .debug_print = [this](std::string_view line) { lines.emplace_back(line); },
                                 .message = [this](std::string_view line) { messages.emplace_back(line); }});
    if (booted) machine = std::move(*booted);
  }
  std::vector<std::string> lines, messages;
  std::unique_ptr<Machine> machine;
};

ULONG print_with_prefix(PCCH prefix, PCCH format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const ULONG status = vDbgPrintExWithPrefix(prefix, DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, format, arguments);
  va_end(arguments);
  return status;
}

ULONG print_list(PCCH format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const ULONG status = vDbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, format, arguments);
  va_end(arguments);
  return status;
}

TEST_F(DebugPrint, ShowsWholeLines) {
  EXPECT_EQ(DbgPrint("a=%d", 1), ULONG{STATUS_SUCCESS});
  EXPECT_TRUE(lines.empty());
  DbgPrint(" b\r\nc");
  EXPECT_THAT(lines, ElementsAre("a=1 b"));
  kd::flush_debug_print();
  EXPECT_THAT(lines, ElementsAre("a=1 b", "c"));
}

TEST_F(DebugPrint, CutsAMessageAt512Bytes) {
  const std::string text(600, 'x');
  DbgPrint("%s", text.c_str());
  DbgPrint("\n");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_LE(lines[0].size(), 512u);
  EXPECT_GE(lines[0].size(), 511u);
}

TEST_F(DebugPrint, ShowsEveryComponentAndLevel) {
  EXPECT_EQ(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "%s\n", "error"), ULONG{STATUS_SUCCESS});
  DbgPrintEx(DPFLTR_FLTMGR_ID, DPFLTR_TRACE_LEVEL, "%ws\n", u"trace");
  EXPECT_EQ(print_list("%u\n", 7u), ULONG{STATUS_SUCCESS});
  EXPECT_THAT(lines, ElementsAre("error", "trace", "7"));
}

TEST_F(DebugPrint, PutsThePrefixInFront) {
  EXPECT_EQ(print_with_prefix("sample: ", "%x\n", 0xabcu), ULONG{STATUS_SUCCESS});
  EXPECT_THAT(lines, ElementsAre("sample: abc"));
}

TEST_F(DebugPrint, RtlAssertNamesThePlaceAndRaises) {
  char expression[] = "x > 0", file[] = "a.c", message[] = "too small: ";
  EXPECT_EQ(ke::catch_raise([&] { RtlAssert(expression, file, 42, message); }), STATUS_ASSERTION_FAILURE);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], ::testing::HasSubstr("too small: x > 0"));
  EXPECT_THAT(lines[1], ::testing::HasSubstr("a.c, line 42"));
}

}  // namespace
}  // namespace ntemu::test
