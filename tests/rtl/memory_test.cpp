#include "ntemu/rtl/memory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nt/rtl.h"

using namespace ntemu;

namespace {

std::vector<std::string> *reports;

struct Reports {
  std::vector<std::string> texts;
  void (*saved)(const char *) = rtl::report_overflow;
  Reports() {
    reports = &texts;
    rtl::report_overflow = [](const char *text) { reports->push_back(text); };
  }
  ~Reports() { rtl::report_overflow = saved; }
};

TEST(RtlCompareMemory, CountsEqualBytes) {
  EXPECT_EQ(RtlCompareMemory("abcd", "abxd", 4), 2U);
  EXPECT_EQ(RtlCompareMemory("abcd", "abcd", 4), 4U);
  EXPECT_EQ(RtlCompareMemory("x", "y", 1), 0U);
  EXPECT_EQ(RtlCompareMemory(nullptr, nullptr, 0), 0U);
}

TEST(RtlCompareMemoryUlong, IgnoresTheTail) {
  ULONG values[] = {7, 7, 8};
  EXPECT_EQ(RtlCompareMemoryUlong(values, sizeof values, 7), 8U);
  EXPECT_EQ(RtlCompareMemoryUlong(values, 7, 7), 4U);
  EXPECT_EQ(RtlCompareMemoryUlong(values, sizeof values, 9), 0U);
}

TEST(RtlFillMemoryUlong, FillsWholePatterns) {
  ULONG values[] = {0, 0, 0};
  RtlFillMemoryUlong(values, 11, 0xAABBCCDD);
  EXPECT_EQ(values[1], 0xAABBCCDD);
  EXPECT_EQ(values[2], 0U);
  ULONGLONG wide[] = {0, 0};
  RtlFillMemoryUlonglong(wide, 15, ~0ULL);
  EXPECT_EQ(wide[0], ~0ULL);
  EXPECT_EQ(wide[1], 0U);
}

TEST(RtlCopyMemory, ToleratesOverlap) {
  char text[] = "abcdef";
  RtlCopyMemory(text + 2, text, 4);
  EXPECT_STREQ(text, "ababcd");
  EXPECT_TRUE(RtlEqualMemory("ab", text, 2));
  RtlSecureZeroMemory(text, 2);
  EXPECT_EQ(text[1], 0);
  RtlFillMemory(text, 3, 'z');
  EXPECT_EQ(std::string(text, 4), "zzzb");
}

TEST(nt_copy_checked, ReportsOncePerSiteAndCopiesAnyway) {
  Reports reported;
  char to[8] = {};
  for (int i = 0; i < 3; ++i) nt_copy_checked(to, "1234567", 8, 4, "/somewhere/driver.c", 71);
  EXPECT_STREQ(to, "1234567");
  ASSERT_EQ(reported.texts.size(), 1U);
  EXPECT_EQ(reported.texts[0], "driver.c:71: RtlCopyMemory writes 8 bytes into an object with 4 left");
  nt_copy_checked(to, "x", 1, 0, "/somewhere/driver.c", 72);
  EXPECT_EQ(reported.texts.size(), 2U);
}

TEST(nt_copy_checked, IsSilentWhenItFitsOrTheSizeIsUnknown) {
  Reports reported;
  char to[8] = {};
  nt_copy_checked(to, "abc", 4, 4, "a.c", 1);
  nt_copy_checked(to, "abcdefg", 8, ~0ULL, "a.c", 2);
  EXPECT_TRUE(reported.texts.empty());
}

TEST(RtlUlongByteSwap, Swaps) {
  EXPECT_EQ(RtlUshortByteSwap(0x1234), 0x3412);
  EXPECT_EQ(RtlUlongByteSwap(0x12345678), 0x78563412U);
  EXPECT_EQ(RtlUlonglongByteSwap(1), 0x0100000000000000ULL);
}

}  // namespace
