#include <gtest/gtest.h>

#include "nt/rtl.h"
#include "ntemu/rtl/memory.h"
#include "text.h"

using namespace ntemu::test;

namespace {

constexpr char16_t kLoneHigh[] = {u'a', 0xD83D, u'b'};
const UNICODE_STRING kLone = counted(std::u16string_view(kLoneHigh, 3));

TEST(RtlUnicodeStringToAnsiString, AllocatesAndTerminates) {
  const UNICODE_STRING source = counted(std::u16string_view(u"gr\u00FCn \U0001F600"));
  STRING result{};
  ASSERT_EQ(RtlUnicodeStringToAnsiString(&result, &source, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(result), "gr\u00FCn \U0001F600");
  EXPECT_EQ(result.Buffer[result.Length], 0);
  EXPECT_EQ(result.MaximumLength, result.Length + 1);
  EXPECT_EQ(RtlUnicodeStringToAnsiSize(&source), result.MaximumLength);
  RtlFreeAnsiString(&result);
  EXPECT_EQ(result.Buffer, nullptr);
}

TEST(RtlUnicodeStringToAnsiString, CutsWholeCharactersAtMaximumLength) {
  const UNICODE_STRING source = counted(std::u16string_view(u"ab\u20ACd"));
  Narrow<5> small;
  EXPECT_EQ(RtlUnicodeStringToAnsiString(&small.string, &source, FALSE), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.text(), "ab");
  EXPECT_EQ(small.buffer[2], 0);
  EXPECT_TRUE(small.guard_intact());
  Narrow<7> exact;
  EXPECT_EQ(RtlUnicodeStringToAnsiString(&exact.string, &source, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(exact.text(), "ab\u20ACd");
  STRING none{};
  EXPECT_EQ(RtlUnicodeStringToAnsiString(&none, &source, FALSE), STATUS_BUFFER_OVERFLOW);
}

TEST(RtlUnicodeStringToAnsiString, RefusesWhatNoCountedStringHolds) {
  const std::u16string text(30000, u'\u20AC');
  const UNICODE_STRING source = counted(std::u16string_view(text));
  STRING result{};
  EXPECT_EQ(RtlUnicodeStringToAnsiString(&result, &source, TRUE), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(RtlUnicodeStringToAnsiSize(&source), 90001U);
}

TEST(RtlUnicodeStringToAnsiString, LoneSurrogateBecomesTheReplacementCharacter) {
  STRING result{};
  ASSERT_EQ(RtlUnicodeStringToAnsiString(&result, &kLone, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(result), "a\uFFFDb");
  RtlFreeAnsiString(&result);
}

TEST(RtlAnsiStringToUnicodeString, ConvertsOrLeavesAlone) {
  const STRING source = counted(std::string_view("z\u00E9\U0001F600"));
  Wide<10> exact;
  EXPECT_EQ(RtlAnsiStringToUnicodeString(&exact.string, &source, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(exact.text(), u"z\u00E9\U0001F600");
  EXPECT_EQ(exact.buffer[4], 0);
  EXPECT_TRUE(exact.guard_intact());
  Wide<8> small(u"old");
  EXPECT_EQ(RtlAnsiStringToUnicodeString(&small.string, &source, FALSE), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.text(), u"old");
  EXPECT_EQ(RtlAnsiStringToUnicodeSize(&source), 10U);
}

TEST(RtlAnsiStringToUnicodeString, NoMemory) {
  const STRING source = counted(std::string_view("x"));
  UNICODE_STRING result{};
  auto *saved = ntemu::rtl::allocate_string;
  ntemu::rtl::allocate_string = [](size_t) -> void * { return nullptr; };
  EXPECT_EQ(RtlAnsiStringToUnicodeString(&result, &source, TRUE), STATUS_NO_MEMORY);
  ntemu::rtl::allocate_string = saved;
}

TEST(RtlUnicodeStringToCountedOemString, HasNoTerminator) {
  const UNICODE_STRING source = counted(std::u16string_view(u"abc"));
  Narrow<3> exact;
  EXPECT_EQ(RtlUnicodeStringToCountedOemString(&exact.string, &source, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(exact.text(), "abc");
  EXPECT_TRUE(exact.guard_intact());
  EXPECT_EQ(RtlUnicodeStringToOemString(&exact.string, &source, FALSE), STATUS_BUFFER_OVERFLOW);
}

TEST(RtlUnicodeToUTF8N, Statuses) {
  char out[8];
  ULONG actual = 99;
  EXPECT_EQ(RtlUnicodeToUTF8N(out, sizeof out, &actual, nullptr, 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(RtlUnicodeToUTF8N(nullptr, 0, nullptr, u"a", 2), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlUnicodeToUTF8N(out, sizeof out, &actual, u"ab", 3), STATUS_INVALID_PARAMETER_5);
  EXPECT_EQ(RtlUnicodeToUTF8N(nullptr, 0, &actual, u"\u20ACx", 4), STATUS_SUCCESS);
  EXPECT_EQ(actual, 4U);
  EXPECT_EQ(RtlUnicodeToUTF8N(out, 3, &actual, u"a\u20AC", 4), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(actual, 1U) << "whole characters only";
  EXPECT_EQ(RtlUnicodeToUTF8N(out, sizeof out, &actual, kLoneHigh, 6), STATUS_SOME_NOT_MAPPED);
  EXPECT_EQ(std::string(out, actual), "a\uFFFDb");
}

TEST(RtlUTF8ToUnicodeN, BadSequencesBecomeTheReplacementCharacter) {
  const struct {
    std::string_view bytes;
    std::u16string_view text;
    NTSTATUS status;
  } kCases[] = {
      {"a\xC3\xA9", u"a\u00E9", STATUS_SUCCESS},
      {"\xF0\x9F\x98\x80", u"\U0001F600", STATUS_SUCCESS},
      {"\xC0\x80", u"\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED},
      {"\xED\xA0\x80", u"\uFFFD\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED},
      {"\xE2\x82", u"\uFFFD", STATUS_SOME_NOT_MAPPED},
      {"\xF4\x90\x80\x80", u"\uFFFD\uFFFD\uFFFD\uFFFD", STATUS_SOME_NOT_MAPPED},
      {"\xE2\x82z", u"\uFFFDz", STATUS_SOME_NOT_MAPPED},
      {std::string_view("a\0b", 3), std::u16string_view(u"a\0b", 3), STATUS_SUCCESS},
  };
  for (const auto &c : kCases) {
    char16_t out[16];
    ULONG actual = 0;
    EXPECT_EQ(RtlUTF8ToUnicodeN(out, sizeof out, &actual, c.bytes.data(), static_cast<ULONG>(c.bytes.size())),
              c.status);
    EXPECT_EQ(std::u16string_view(out, actual / 2), c.text);
  }
}

TEST(RtlUTF8ToUnicodeN, DoesNotSplitSurrogatePairs) {
  char16_t out[2] = {u'#', u'#'};
  ULONG actual = 0;
  EXPECT_EQ(RtlUTF8ToUnicodeN(out, 2, &actual, "\xF0\x9F\x98\x80", 4), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(actual, 0U);
  EXPECT_EQ(out[0], u'#');
}

TEST(RtlUnicodeToMultiByteN, CutsAndCounts) {
  char out[2];
  ULONG actual = 0;
  EXPECT_EQ(RtlUnicodeToMultiByteN(out, 2, &actual, u"abc", 6), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(actual, 2U);
  EXPECT_EQ(RtlUnicodeToMultiByteN(out, 2, nullptr, u"ab", 4), STATUS_SUCCESS);
  EXPECT_EQ(RtlUnicodeToMultiByteSize(&actual, u"a\u20AC", 4), STATUS_SUCCESS);
  EXPECT_EQ(actual, 4U);
}

TEST(RtlMultiByteToUnicodeN, CutsAndCounts) {
  char16_t out[2];
  ULONG actual = 0;
  EXPECT_EQ(RtlMultiByteToUnicodeN(out, 5, &actual, "abc", 3), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(actual, 4U);
  EXPECT_EQ(RtlOemToUnicodeN(out, 4, &actual, "ab", 2), STATUS_SUCCESS);
  EXPECT_EQ(RtlMultiByteToUnicodeSize(&actual, "\U0001F600", 4), STATUS_SUCCESS);
  EXPECT_EQ(actual, 4U);
}

TEST(RtlUnicodeStringToUTF8String, TellsWhatWasNotMapped) {
  STRING narrow{};
  ASSERT_EQ(RtlUnicodeStringToUTF8String(&narrow, &kLone, TRUE), STATUS_SOME_NOT_MAPPED);
  UNICODE_STRING back{};
  ASSERT_EQ(RtlUTF8StringToUnicodeString(&back, &narrow, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(back), u"a\uFFFDb");
  RtlFreeUTF8String(&narrow);
  RtlFreeUnicodeString(&back);
}

TEST(RtlOemStringToUnicodeString, ConvertsLikeAnsi) {
  const STRING source = counted(std::string_view("z\u00E9"));
  UNICODE_STRING wide{};
  ASSERT_EQ(RtlOemStringToUnicodeString(&wide, &source, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(wide), u"z\u00E9");
  EXPECT_EQ(wide.MaximumLength, RtlxOemStringToUnicodeSize(&source));
  STRING narrow{};
  ASSERT_EQ(RtlUnicodeStringToOemString(&narrow, &wide, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(text_of(narrow), "z\u00E9");
  EXPECT_EQ(narrow.MaximumLength, RtlxUnicodeStringToOemSize(&wide));
  RtlFreeOemString(&narrow);
  EXPECT_EQ(narrow.Buffer, nullptr);
  RtlFreeUnicodeString(&wide);
  Wide<4> exact;
  EXPECT_EQ(RtlOemStringToCountedUnicodeString(&exact.string, &source, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(exact.text(), u"z\u00E9");
  EXPECT_TRUE(exact.guard_intact());
}

TEST(RtlUnicodeToOemN, CutsWithoutTerminating) {
  char text[4] = {'#', '#', '#', '#'};
  ULONG written = 0;
  EXPECT_EQ(RtlUnicodeToOemN(text, 3, &written, u"ab", 4), STATUS_SUCCESS);
  EXPECT_EQ(written, 2u);
  EXPECT_EQ(std::string(text, 4), "ab##");
  EXPECT_EQ(RtlUnicodeToOemN(text, 3, &written, u"abcd", 8), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::string(text, 4), "abc#");
}

}  // namespace
