#include <gtest/gtest.h>

#include "nt/rtl.h"
#include "text.h"

using namespace ntemu::test;

namespace {

TEST(RtlInitAnsiString, PointsAtTheSource) {
  STRING string;
  RtlInitAnsiString(&string, "abc");
  EXPECT_EQ(string.Length, 3);
  EXPECT_EQ(string.MaximumLength, 4);
  RtlInitAnsiString(&string, nullptr);
  EXPECT_EQ(string.Buffer, nullptr);
  EXPECT_EQ(string.MaximumLength, 0);
}

TEST(RtlInitAnsiString, CutsWhatIsTooLong) {
  const std::string text(70000, 'x');
  STRING string;
  RtlInitString(&string, text.c_str());
  EXPECT_EQ(string.Length, 0xFFFE);
  EXPECT_EQ(string.MaximumLength, 0xFFFF);
  EXPECT_EQ(RtlInitAnsiStringEx(&string, text.c_str()), STATUS_NAME_TOO_LONG);
  EXPECT_EQ(RtlInitStringEx(&string, "x"), STATUS_SUCCESS);
}

TEST(RtlInitUTF8String, PointsAtTheSource) {
  UTF8_STRING string;
  RtlInitUTF8String(&string, "gr\u00FCn");
  EXPECT_EQ(string.Length, 5);
  EXPECT_EQ(string.MaximumLength, 6);
  EXPECT_EQ(RtlInitUTF8StringEx(&string, "abc"), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 3);
  EXPECT_EQ(RtlInitUTF8StringEx(&string, std::string(70000, 'x').c_str()), STATUS_NAME_TOO_LONG);
}

TEST(RtlCopyString, CutsAtMaximumLength) {
  const STRING source = counted(std::string_view("abcdef"));
  Narrow<3> destination;
  RtlCopyString(&destination.string, &source);
  EXPECT_EQ(destination.text(), "abc");
  EXPECT_TRUE(destination.guard_intact());
  RtlCopyString(&destination.string, nullptr);
  EXPECT_EQ(destination.string.Length, 0);
}

TEST(RtlCompareString, ComparesUnsignedBytes) {
  const STRING a = counted(std::string_view("abc")), upper = counted(std::string_view("ABC")),
               high = counted(std::string_view("\xFF"));
  EXPECT_GT(RtlCompareString(&a, &upper, FALSE), 0);
  EXPECT_EQ(RtlCompareString(&a, &upper, TRUE), 0);
  EXPECT_LT(RtlCompareString(&a, &high, FALSE), 0);
  EXPECT_TRUE(RtlEqualString(&a, &upper, TRUE));
  EXPECT_FALSE(RtlEqualString(&a, &high, TRUE));
}

TEST(RtlPrefixString, MatchesTheBeginning) {
  const STRING whole = counted(std::string_view("abcdef")), front = counted(std::string_view("ABC"));
  EXPECT_TRUE(RtlPrefixString(&front, &whole, TRUE));
  EXPECT_FALSE(RtlPrefixString(&front, &whole, FALSE));
  EXPECT_FALSE(RtlPrefixString(&whole, &front, TRUE));
}

TEST(RtlAppendStringToString, AppendsOrLeavesAlone) {
  Narrow<5> string("ab");
  const STRING more = counted(std::string_view("cd")), too_much = counted(std::string_view("ef"));
  EXPECT_EQ(RtlAppendStringToString(&string.string, &more), STATUS_SUCCESS);
  EXPECT_EQ(string.buffer[4], 0);
  EXPECT_EQ(RtlAppendStringToString(&string.string, &too_much), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(RtlAppendAsciizToString(&string.string, "e"), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), "abcde");
  EXPECT_TRUE(string.guard_intact());
}

TEST(RtlUpperString, FoldsAsciiAndCuts) {
  const STRING source = counted(std::string_view("ab\xC3\xA4z"));
  Narrow<8> large;
  RtlUpperString(&large.string, &source);
  EXPECT_EQ(large.text(), "AB\xC3\xA4Z");
  Narrow<2> small;
  RtlUpperString(&small.string, &source);
  EXPECT_EQ(small.text(), "AB");
  EXPECT_EQ(RtlUpperChar('q'), 'Q');
  EXPECT_EQ(RtlUpperChar('1'), '1');
}

}  // namespace
