#include <gtest/gtest.h>

#include <vector>

#include "nt/rtl.h"
#include "ntemu/rtl/case.h"
#include "ntemu/rtl/memory.h"
#include "text.h"

using namespace ntemu;
using namespace ntemu::test;

namespace {

// Makes every string allocation fail while it lives.
struct NoMemory {
  void *(*saved)(size_t) = rtl::allocate_string;
  NoMemory() {
    rtl::allocate_string = [](size_t) -> void * { return nullptr; };
  }
  ~NoMemory() { rtl::allocate_string = saved; }
};

TEST(RtlInitUnicodeString, PointsAtTheSource) {
  static const char16_t text[] = u"abc";
  UNICODE_STRING string;
  RtlInitUnicodeString(&string, text);
  EXPECT_EQ(string.Length, 6);
  EXPECT_EQ(string.MaximumLength, 8);
  EXPECT_EQ(string.Buffer, text);
}

TEST(RtlInitUnicodeString, NullGivesTheEmptyString) {
  UNICODE_STRING string{2, 2, const_cast<char16_t *>(u"x")};
  RtlInitUnicodeString(&string, nullptr);
  EXPECT_EQ(string.Length, 0);
  EXPECT_EQ(string.MaximumLength, 0);
  EXPECT_EQ(string.Buffer, nullptr);
}

TEST(RtlInitUnicodeString, CutsWhatIsTooLong) {
  const std::u16string text(40000, u'x');
  UNICODE_STRING string;
  RtlInitUnicodeString(&string, text.c_str());
  EXPECT_EQ(string.Length, 0xFFFC);
  EXPECT_EQ(string.MaximumLength, 0xFFFE);
}

TEST(RtlInitUnicodeStringEx, RefusesWhatIsTooLong) {
  const std::u16string fits(0x7FFE, u'x'), too_long(0x7FFF, u'x');
  UNICODE_STRING string{};
  EXPECT_EQ(RtlInitUnicodeStringEx(&string, too_long.c_str()), STATUS_NAME_TOO_LONG);
  EXPECT_EQ(string.Buffer, nullptr);
  EXPECT_EQ(RtlInitUnicodeStringEx(&string, fits.c_str()), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 0xFFFC);
}

TEST(RTL_CONSTANT_STRING, CountsWithoutTheTerminator) {
  const UNICODE_STRING wide = RTL_CONSTANT_STRING(u"abc");
  const STRING narrow = RTL_CONSTANT_STRING("abcd");
  EXPECT_EQ(wide.Length, 6);
  EXPECT_EQ(wide.MaximumLength, 8);
  EXPECT_EQ(narrow.Length, 4);
  EXPECT_EQ(narrow.MaximumLength, 5);
}

TEST(RtlCopyUnicodeString, CopiesAndTerminatesIfThereIsRoom) {
  Wide<8> destination;
  const UNICODE_STRING source = counted(std::u16string_view(u"abc"));
  RtlCopyUnicodeString(&destination.string, &source);
  EXPECT_EQ(destination.text(), u"abc");
  EXPECT_EQ(destination.buffer[3], 0);
}

TEST(RtlCopyUnicodeString, CutsAtMaximumLength) {
  const UNICODE_STRING source = counted(std::u16string_view(u"abcdef"));
  Wide<4> destination;
  RtlCopyUnicodeString(&destination.string, &source);
  EXPECT_EQ(destination.text(), u"ab");
  EXPECT_TRUE(destination.guard_intact());
  Wide<4> odd;
  odd.string.MaximumLength = 3;
  RtlCopyUnicodeString(&odd.string, &source);
  EXPECT_EQ(odd.string.Length, 2);
}

TEST(RtlCopyUnicodeString, NullSourceEmpties) {
  Wide<4> destination(u"ab");
  RtlCopyUnicodeString(&destination.string, nullptr);
  EXPECT_EQ(destination.string.Length, 0);
}

TEST(RtlCopyUnicodeString, OverlapIsFine) {
  char16_t buffer[] = u"abcdef";
  const UNICODE_STRING source{8, 8, buffer};
  UNICODE_STRING destination{0, 8, buffer + 2};
  RtlCopyUnicodeString(&destination, &source);
  EXPECT_EQ(std::u16string(buffer), u"ababcd");
}

TEST(RtlCompareUnicodeString, OrdersByUnitThenLength) {
  const struct {
    const char16_t *first, *second;
    bool ignore_case;
    int sign;
  } kCases[] = {
      {u"", u"", false, 0},        {u"a", u"", false, 1},     {u"", u"a", false, -1},
      {u"a", u"B", false, 1},      {u"a", u"B", true, -1},    {u"ABC", u"abc", true, 0},
      {u"ABC", u"abc", false, -1}, {u"ab", u"abc", true, -1}, {u"\u00E4", u"\u00C4", true, 0},
      {u"\uFFFF", u"a", false, 1},
  };
  for (const auto &c : kCases) {
    const UNICODE_STRING first = counted(std::u16string_view(c.first)), second = counted(std::u16string_view(c.second));
    const LONG order = RtlCompareUnicodeString(&first, &second, c.ignore_case);
    EXPECT_EQ((order > 0) - (order < 0), c.sign);
    EXPECT_EQ(RtlEqualUnicodeString(&first, &second, c.ignore_case), c.sign == 0);
  }
}

TEST(RtlCompareUnicodeString, SeesBeyondEmbeddedNuls) {
  const UNICODE_STRING first = counted(std::u16string_view(u"a\0b", 3)),
                       second = counted(std::u16string_view(u"a\0c", 3));
  EXPECT_LT(RtlCompareUnicodeString(&first, &second, FALSE), 0);
}

TEST(RtlPrefixUnicodeString, MatchesTheBeginning) {
  const UNICODE_STRING whole = counted(std::u16string_view(u"\\Device\\Disk")),
                       front = counted(std::u16string_view(u"\\DEVICE")), end = counted(std::u16string_view(u"DISK")),
                       empty{};
  EXPECT_TRUE(RtlPrefixUnicodeString(&front, &whole, TRUE));
  EXPECT_FALSE(RtlPrefixUnicodeString(&front, &whole, FALSE));
  EXPECT_FALSE(RtlPrefixUnicodeString(&whole, &front, TRUE));
  EXPECT_TRUE(RtlPrefixUnicodeString(&empty, &whole, FALSE));
  EXPECT_TRUE(RtlSuffixUnicodeString(&end, &whole, TRUE));
  EXPECT_FALSE(RtlSuffixUnicodeString(&end, &whole, FALSE));
}

TEST(RtlAppendUnicodeToString, AppendsOrLeavesAlone) {
  Wide<8> string(u"ab");
  EXPECT_EQ(RtlAppendUnicodeToString(&string.string, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(RtlAppendUnicodeToString(&string.string, u"c"), STATUS_SUCCESS);
  EXPECT_EQ(string.buffer[3], 0) << "terminated while there is room";
  EXPECT_EQ(RtlAppendUnicodeToString(&string.string, u"de"), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(string.text(), u"abc");
  EXPECT_EQ(RtlAppendUnicodeToString(&string.string, u"d"), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), u"abcd");
  EXPECT_TRUE(string.guard_intact());
}

TEST(RtlAppendUnicodeStringToString, AppendsItself) {
  Wide<8> string(u"ab");
  EXPECT_EQ(RtlAppendUnicodeStringToString(&string.string, &string.string), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), u"abab");
  EXPECT_EQ(RtlAppendUnicodeStringToString(&string.string, &string.string), STATUS_BUFFER_TOO_SMALL);
}

TEST(RtlUpcaseUnicodeChar, FoldsOneToOne) {
  const struct {
    char16_t lower, upper;
  } kPairs[] = {{u'a', u'A'},     {u'z', u'Z'},     {0x00E4, 0x00C4}, {0x00F7, 0x00F7}, {0x00FF, 0x0178},
                {0x0101, 0x0100}, {0x03B1, 0x0391}, {0x03C2, 0x03A3}, {0x0430, 0x0410}, {0x0561, 0x0531},
                {0x1E01, 0x1E00}, {0x24D0, 0x24B6}, {0xFF41, 0xFF21}, {0x00DF, 0x00DF}, {0x0131, 0x0131},
                {0x017F, 0x017F}, {0x00B5, 0x00B5}, {0xD801, 0xD801}, {0xDC28, 0xDC28}, {u'[', u'['}};
  for (const auto &pair : kPairs)
    EXPECT_EQ(RtlUpcaseUnicodeChar(pair.lower), pair.upper) << std::hex << int{pair.lower};
}

TEST(RtlUpcaseUnicodeChar, FoldingTwiceChangesNothing) {
  for (unsigned c = 0; c < 0x10000; ++c) {
    const auto unit = static_cast<char16_t>(c);
    ASSERT_EQ(rtl::upcase(rtl::upcase(unit)), rtl::upcase(unit)) << c;
    ASSERT_EQ(rtl::downcase(rtl::downcase(unit)), rtl::downcase(unit)) << c;
    if (c >= 0xD800 && c < 0xE000) {
      ASSERT_EQ(rtl::upcase(unit), unit);
    }
  }
}

TEST(RtlDowncaseUnicodeChar, FoldsBack) {
  EXPECT_EQ(RtlDowncaseUnicodeChar(u'A'), u'a');
  EXPECT_EQ(RtlDowncaseUnicodeChar(0x0178), 0x00FF);
  EXPECT_EQ(RtlDowncaseUnicodeChar(0x03A3), 0x03C3);
  EXPECT_EQ(RtlDowncaseUnicodeChar(u'1'), u'1');
}

TEST(RtlUpcaseUnicodeString, NeedsRoomForTheWholeSource) {
  const UNICODE_STRING source = counted(std::u16string_view(u"stra\u00DFe\u00E9"));
  Wide<16> large;
  EXPECT_EQ(RtlUpcaseUnicodeString(&large.string, &source, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(large.text(), u"STRA\u00DFE\u00C9");
  Wide<4> small(u"zz");
  EXPECT_EQ(RtlUpcaseUnicodeString(&small.string, &source, FALSE), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.text(), u"zz");
}

TEST(RtlUpcaseUnicodeString, Allocates) {
  const UNICODE_STRING source = counted(std::u16string_view(u"ab"));
  UNICODE_STRING result{};
  ASSERT_EQ(RtlUpcaseUnicodeString(&result, &source, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(result), u"AB");
  RtlFreeUnicodeString(&result);
  EXPECT_EQ(result.Buffer, nullptr);
  EXPECT_EQ(result.MaximumLength, 0);
  NoMemory none;
  EXPECT_EQ(RtlUpcaseUnicodeString(&result, &source, TRUE), STATUS_NO_MEMORY);
}

TEST(RtlDowncaseUnicodeString, InPlace) {
  Wide<8> string(u"AbC\u00C4");
  EXPECT_EQ(RtlDowncaseUnicodeString(&string.string, &string.string, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(string.text(), u"abc\u00E4");
}

TEST(RtlFreeUnicodeString, AcceptsAnEmptyString) {
  UNICODE_STRING string{};
  RtlFreeUnicodeString(&string);
  EXPECT_EQ(string.Buffer, nullptr);
}

TEST(RtlDuplicateUnicodeString, CopiesByFlags) {
  const UNICODE_STRING source = counted(std::u16string_view(u"abc"));
  UNICODE_STRING copy{};
  ASSERT_EQ(RtlDuplicateUnicodeString(0, &source, &copy), STATUS_SUCCESS);
  EXPECT_EQ(copy.MaximumLength, 6);
  EXPECT_EQ(text_of(copy), u"abc");
  EXPECT_NE(copy.Buffer, source.Buffer);
  RtlFreeUnicodeString(&copy);
  ASSERT_EQ(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &source, &copy), STATUS_SUCCESS);
  EXPECT_EQ(copy.MaximumLength, 8);
  EXPECT_EQ(copy.Buffer[3], 0);
  RtlFreeUnicodeString(&copy);
}

TEST(RtlDuplicateUnicodeString, EmptySource) {
  const UNICODE_STRING empty{};
  UNICODE_STRING copy{2, 2, const_cast<char16_t *>(u"x")};
  ASSERT_EQ(RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &empty, &copy), STATUS_SUCCESS);
  EXPECT_EQ(copy.Buffer, nullptr);
  ASSERT_EQ(RtlDuplicateUnicodeString(3, &empty, &copy), STATUS_SUCCESS);
  ASSERT_NE(copy.Buffer, nullptr);
  EXPECT_EQ(copy.Buffer[0], 0);
  EXPECT_EQ(copy.MaximumLength, 2);
  RtlFreeUnicodeString(&copy);
}

TEST(RtlDuplicateUnicodeString, RefusesBadInput) {
  const UNICODE_STRING good = counted(std::u16string_view(u"ab"));
  UNICODE_STRING odd = good, longer = good, no_buffer{0, 2, nullptr}, copy{};
  odd.Length = 3;
  longer.Length = 6;
  EXPECT_EQ(RtlDuplicateUnicodeString(4, &good, &copy), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(2, &good, &copy), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(0, nullptr, &copy), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(0, &good, nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(0, &odd, &copy), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(0, &longer, &copy), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlDuplicateUnicodeString(0, &no_buffer, &copy), STATUS_INVALID_PARAMETER);
  const std::u16string text(32767, u'x');
  const UNICODE_STRING longest = counted(std::u16string_view(text));
  EXPECT_EQ(RtlDuplicateUnicodeString(1, &longest, &copy), STATUS_NAME_TOO_LONG);
  NoMemory none;
  EXPECT_EQ(RtlDuplicateUnicodeString(0, &good, &copy), STATUS_NO_MEMORY);
}

TEST(RtlCreateUnicodeString, CopiesWithTerminator) {
  UNICODE_STRING string{};
  ASSERT_TRUE(RtlCreateUnicodeString(&string, u"abc"));
  EXPECT_EQ(text_of(string), u"abc");
  EXPECT_EQ(string.MaximumLength, 8);
  RtlFreeUnicodeString(&string);
  EXPECT_FALSE(RtlCreateUnicodeString(&string, std::u16string(40000, u'x').c_str()));
  NoMemory none;
  EXPECT_FALSE(RtlCreateUnicodeString(&string, u"abc"));
}

TEST(RtlValidateUnicodeString, ChecksTheShape) {
  UNICODE_STRING string = counted(std::u16string_view(u"ab"));
  EXPECT_EQ(RtlValidateUnicodeString(0, &string), STATUS_SUCCESS);
  EXPECT_EQ(RtlValidateUnicodeString(1, &string), STATUS_INVALID_PARAMETER);
  string.Length = 1;
  EXPECT_EQ(RtlValidateUnicodeString(0, &string), STATUS_INVALID_PARAMETER);
}

TEST(RtlCompareUnicodeStrings, CountsCharacters) {
  EXPECT_EQ(RtlCompareUnicodeStrings(u"abX", 2, u"abY", 2, FALSE), 0);
  EXPECT_LT(RtlCompareUnicodeStrings(u"ab", 2, u"abc", 3, FALSE), 0);
  EXPECT_GT(RtlCompareUnicodeStrings(u"b", 1, u"A", 1, TRUE), 0);
  EXPECT_EQ(RtlCompareUnicodeStrings(u"a\u00E9", 2, u"A\u00C9", 2, TRUE), 0);
}

}  // namespace
