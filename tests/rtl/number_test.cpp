#include <gtest/gtest.h>

#include "nt/rtl.h"
#include "text.h"

using namespace ntemu::test;

namespace {

TEST(RtlIntegerToUnicodeString, Bases) {
  const struct {
    ULONG value, base;
    const char16_t *text;
  } kCases[] = {{0, 10, u"0"}, {42, 0, u"42"}, {0xBEEF, 16, u"BEEF"},
                {8, 8, u"10"}, {5, 2, u"101"}, {0xFFFFFFFF, 10, u"4294967295"}};
  for (const auto &c : kCases) {
    Wide<64> string;
    EXPECT_EQ(RtlIntegerToUnicodeString(c.value, c.base, &string.string), STATUS_SUCCESS);
    EXPECT_EQ(string.text(), c.text);
    EXPECT_EQ(string.buffer[string.string.Length / 2], 0);
  }
}

TEST(RtlIntegerToUnicodeString, Failures) {
  Wide<4> string(u"zz");
  EXPECT_EQ(RtlIntegerToUnicodeString(1, 7, &string.string), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlIntegerToUnicodeString(123, 10, &string.string), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(string.text(), u"zz");
  EXPECT_EQ(RtlIntegerToUnicodeString(12, 10, &string.string), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), u"12");
  EXPECT_TRUE(string.guard_intact());
}

TEST(RtlInt64ToUnicodeString, AllBits) {
  Wide<128> string;
  EXPECT_EQ(RtlInt64ToUnicodeString(~0ULL, 2, &string.string), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), std::u16string(64, u'1'));
  EXPECT_TRUE(string.guard_intact());
  EXPECT_EQ(RtlInt64ToUnicodeString(~0ULL, 16, &string.string), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), u"FFFFFFFFFFFFFFFF");
}

TEST(RtlUnicodeStringToInteger, ReadsTheNumberInFront) {
  const struct {
    const char16_t *text;
    ULONG base, value;
  } kCases[] = {{u"42", 10, 42}, {u"  +42x", 0, 42},     {u"-1", 10, 0xFFFFFFFF},   {u"0x1F", 0, 0x1F},
                {u"0X1F", 0, 0}, {u"0o17", 0, 15},       {u"0b101", 0, 5},          {u"1F", 16, 0x1F},
                {u"", 0, 0},     {u"zz", 10, 0},         {u"017", 0, 17},           {u"0x10", 10, 0},
                {u"129", 2, 1},  {u"4294967297", 10, 1}, {u"-0x10", 0, 0xFFFFFFF0}, {u"0", 0, 0}};
  for (const auto &c : kCases) {
    const UNICODE_STRING string = counted(std::u16string_view(c.text));
    ULONG value = 77;
    EXPECT_EQ(RtlUnicodeStringToInteger(&string, c.base, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, c.value) << std::string(c.text, c.text + string.Length / 2);
  }
  const UNICODE_STRING string = counted(std::u16string_view(u"1"));
  ULONG value = 77;
  EXPECT_EQ(RtlUnicodeStringToInteger(&string, 3, &value), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(value, 77U);
}

TEST(RtlCharToInteger, ReadsTerminatedText) {
  ULONG value = 0;
  EXPECT_EQ(RtlCharToInteger(" 0x2A", 0, &value), STATUS_SUCCESS);
  EXPECT_EQ(value, 42U);
}

TEST(RtlHashUnicodeString, FoldsCaseOnRequest) {
  const UNICODE_STRING lower = counted(std::u16string_view(u"abc\u00E4")),
                       upper = counted(std::u16string_view(u"ABC\u00C4"));
  ULONG a = 0, b = 0;
  EXPECT_EQ(RtlHashUnicodeString(&lower, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &a), STATUS_SUCCESS);
  EXPECT_EQ(RtlHashUnicodeString(&upper, FALSE, HASH_STRING_ALGORITHM_X65599, &b), STATUS_SUCCESS);
  EXPECT_EQ(a, b);
  EXPECT_EQ(RtlHashUnicodeString(&lower, FALSE, HASH_STRING_ALGORITHM_X65599, &b), STATUS_SUCCESS);
  EXPECT_NE(a, b);
  const UNICODE_STRING one = counted(std::u16string_view(u"AB"));
  RtlHashUnicodeString(&one, FALSE, 1, &a);
  EXPECT_EQ(a, 65U * 65599 + 66);
  EXPECT_EQ(RtlHashUnicodeString(&one, FALSE, 2, &a), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlHashUnicodeString(nullptr, FALSE, 1, &a), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlHashUnicodeString(&one, FALSE, 1, nullptr), STATUS_INVALID_PARAMETER);
}

}  // namespace
