#include <gtest/gtest.h>

#include <string>

#include "ntemu/rtl/crt.h"

namespace {

constexpr size_t kCutOff = ~size_t{0};

TEST(sprintf, FormatsByNtRules) {
  char narrow[64];
  EXPECT_EQ(nt_sprintf(narrow, "%s %ws %ld", "a", u"b", -1), 6);
  EXPECT_STREQ(narrow, "a b -1");
  char16_t wide[64];
  EXPECT_EQ(nt__swprintf(wide, u"%s %S", u"a", "b"), 3);
  EXPECT_EQ(std::u16string(wide), u"a b");
}

TEST(snprintf, TerminatesAndReturnsTheWholeLength) {
  char buffer[4];
  EXPECT_EQ(nt_snprintf(buffer, 4, "%d", 12345), 5);
  EXPECT_STREQ(buffer, "123");
  EXPECT_EQ(nt_snprintf(nullptr, 0, "%d", 12345), 5);
}

TEST(_snprintf, LeavesAFullBufferUnterminated) {
  char buffer[6] = "#####";
  EXPECT_EQ(nt__snprintf(buffer, 3, "%s", "abc"), 3);
  EXPECT_EQ(std::string(buffer, 4), "abc#");
  EXPECT_EQ(nt__snprintf(buffer, 3, "%s", "abcd"), -1);
  EXPECT_EQ(nt__snprintf(buffer, 3, "%s", "xy"), 2);
  EXPECT_STREQ(buffer, "xy");
  char16_t wide[4];
  EXPECT_EQ(nt__snwprintf(wide, 4, u"%d", 12345), -1);
  EXPECT_EQ(nt__scprintf("%d", 123), 3);
  EXPECT_EQ(nt__scwprintf(u"%d", 1234), 4);
}

TEST(_swprintf_c, TerminatesAndTellsTheCut) {
  char16_t wide[4];
  EXPECT_EQ(nt__swprintf_c(wide, 4, u"%d", 12345), -1);
  EXPECT_EQ(std::u16string(wide), u"123");
  EXPECT_EQ(nt__swprintf_c(wide, 4, u"%d", 123), 3);
}

TEST(swprintf_s, EmptiesTheBufferWhenTheTextDoesNotFit) {
  char16_t wide[4] = u"zzz";
  EXPECT_EQ(nt_swprintf_s(wide, 4, u"%d", 123), 3);
  EXPECT_EQ(nt_swprintf_s(wide, 4, u"%d", 1234), -1);
  EXPECT_EQ(wide[0], 0);
  EXPECT_EQ(nt_swprintf_s(nullptr, 4, u"x"), -1);
  EXPECT_EQ(nt_swprintf_s(wide, 0, u"x"), -1);
  char narrow[4];
  EXPECT_EQ(nt_sprintf_s(narrow, 4, "%s", "abcd"), -1);
  EXPECT_STREQ(narrow, "");
}

TEST(_snprintf_s, CutsAtTheCountOnly) {
  char buffer[4];
  EXPECT_EQ(nt__snprintf_s(buffer, 4, 2, "%d", 123), -1);
  EXPECT_STREQ(buffer, "12");
  EXPECT_EQ(nt__snprintf_s(buffer, 4, kCutOff, "%d", 12345), -1);
  EXPECT_STREQ(buffer, "123");
  EXPECT_EQ(nt__snprintf_s(buffer, 4, 8, "%d", 12345), -1);
  EXPECT_STREQ(buffer, "");
  EXPECT_EQ(nt__snprintf_s(buffer, 4, 8, "%d", 12), 2);
}

}  // namespace
