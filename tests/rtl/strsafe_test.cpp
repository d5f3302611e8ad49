#include "ntstrsafe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace {

constexpr size_t kTooMany = size_t{NTSTRSAFE_MAX_CCH} + 1;

// A buffer of '#' whose last unit lies outside what the tests pass.
template <class Char, size_t size>
struct Buffer {
  Char text[size + 1];
  Buffer() { std::fill(std::begin(text), std::end(text), Char{'#'}); }
  explicit Buffer(const Char *content) : Buffer() {
    const size_t length = std::char_traits<Char>::length(content);
    std::copy_n(content, length + 1, text);
  }
  std::basic_string<Char> all() const { return {text, size}; }
  bool guard_intact() const { return text[size] == Char{'#'}; }
};

TEST(RtlStringCchCopyW, Statuses) {
  Buffer<char16_t, 4> b;
  EXPECT_EQ(RtlStringCchCopyW(b.text, 4, u"abc"), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(b.text), u"abc");
  EXPECT_EQ(RtlStringCchCopyW(b.text, 4, u"wxyz"), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::u16string(b.text), u"wxy");
  EXPECT_TRUE(b.guard_intact());
  EXPECT_EQ(RtlStringCchCopyW(b.text, 0, u"q"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(b.text[0], u'w');
  EXPECT_EQ(RtlStringCchCopyW(b.text, kTooMany, u"q"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchCopyW(b.text, 1, u"q"), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(b.text[0], 0);
}

TEST(RtlStringCbCopyW, CountsBytesAndIgnoresTheOddOne) {
  Buffer<char16_t, 4> b;
  EXPECT_EQ(RtlStringCbCopyW(b.text, 7, u"abc"), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::u16string(b.text), u"ab");
  EXPECT_EQ(RtlStringCbCopyW(b.text, 8, u"abc"), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCbCopyW(b.text, 1, u""), STATUS_INVALID_PARAMETER);
}

TEST(RtlStringCchCopyNA, StopsAtTheCountOrTheTerminator) {
  Buffer<char, 8> b;
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 8, "abcdef", 3), STATUS_SUCCESS);
  EXPECT_STREQ(b.text, "abc");
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 8, "ab", 5), STATUS_SUCCESS);
  EXPECT_STREQ(b.text, "ab");
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 3, "abcdef", 3), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(b.text, "ab");
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 8, "x", kTooMany), STATUS_INVALID_PARAMETER);
  const char unterminated[2] = {'p', 'q'};
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 8, unterminated, 2), STATUS_SUCCESS);
  EXPECT_STREQ(b.text, "pq");
  EXPECT_EQ(RtlStringCchCopyNA(b.text, 3, unterminated, 2), STATUS_SUCCESS) << "an exact fit reads no further";
}

TEST(RtlStringCchCatA, AppendsAndCuts) {
  Buffer<char, 6> b("ab");
  EXPECT_EQ(RtlStringCchCatA(b.text, 6, "cd"), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchCatA(b.text, 6, "efg"), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(b.text, "abcde");
  EXPECT_TRUE(b.guard_intact());
  Buffer<char, 4> unterminated;
  EXPECT_EQ(RtlStringCchCatA(unterminated.text, 4, "x"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(unterminated.all(), "####");
}

TEST(RtlStringCchCatNW, AppendsAtMostTheCount) {
  Buffer<char16_t, 6> b(u"a");
  EXPECT_EQ(RtlStringCchCatNW(b.text, 6, u"bcdef", 2), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(b.text), u"abc");
  EXPECT_EQ(RtlStringCbCatNW(b.text, 12, u"defgh", 4), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(b.text), u"abcde");
}

TEST(RtlStringCchPrintfW, FormatsByNtRules) {
  Buffer<char16_t, 32> b;
  EXPECT_EQ(RtlStringCchPrintfW(b.text, 32, u"%s-%S-%d-%ws", u"a", "b", 3, u"c"), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(b.text), u"a-b-3-c");
}

TEST(RtlStringCchPrintfW, CutsAndTerminates) {
  Buffer<char16_t, 4> b;
  EXPECT_EQ(RtlStringCchPrintfW(b.text, 4, u"%d", 12345), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::u16string(b.text), u"123");
  EXPECT_TRUE(b.guard_intact());
  EXPECT_EQ(RtlStringCchPrintfW(b.text, 4, u"%d", 123), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchPrintfW(b.text, 0, u"x"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchPrintfW(b.text, kTooMany, u"x"), STATUS_INVALID_PARAMETER);
}

TEST(RtlStringCbPrintfA, CountsBytes) {
  Buffer<char, 8> b;
  EXPECT_EQ(RtlStringCbPrintfA(b.text, 8, "%s%ws", "abc", u"defg"), STATUS_SUCCESS);
  EXPECT_STREQ(b.text, "abcdefg");
  EXPECT_EQ(RtlStringCbPrintfA(b.text, 7, "%s", "abcdefg"), STATUS_BUFFER_OVERFLOW);
}

TEST(RtlStringCchLengthW, NeedsATerminatorWithinTheMaximum) {
  size_t length = 99;
  EXPECT_EQ(RtlStringCchLengthW(u"abc", 4, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 3U);
  EXPECT_EQ(RtlStringCbLengthW(u"abc", 8, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 6U);
  EXPECT_EQ(RtlStringCchLengthW(u"abc", 3, &length), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(length, 0U);
  EXPECT_EQ(RtlStringCchLengthA(nullptr, 3, &length), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchLengthA("a", 0, &length), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchLengthA("a", kTooMany, nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchLengthA("a", 2, nullptr), STATUS_SUCCESS);
}

TEST(RtlStringCchCopyExA, GivesTheEndAndTheRoom) {
  Buffer<char, 8> b;
  char *end = nullptr;
  size_t remaining = 0;
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 8, "abc", &end, &remaining, 0), STATUS_SUCCESS);
  EXPECT_EQ(end, b.text + 3);
  EXPECT_EQ(remaining, 5U);
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 4, "abcdef", &end, &remaining, 0), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(end, b.text + 3);
  EXPECT_EQ(remaining, 1U);
}

TEST(RtlStringCbCopyExW, RemainingIsInBytes) {
  Buffer<char16_t, 8> b;
  size_t remaining = 0;
  EXPECT_EQ(RtlStringCbCopyExW(b.text, 15, u"abc", nullptr, &remaining, 0), STATUS_SUCCESS);
  EXPECT_EQ(remaining, 9U);
}

TEST(RtlStringCchCopyExA, Flags) {
  const struct {
    const char *source;
    ULONG flags;
    NTSTATUS status;
    std::string all;
    size_t end;
  } kCases[] = {
      {"ab", STRSAFE_FILL_BYTE('z'), STATUS_SUCCESS, std::string("ab\0zzz", 6), 2},
      {"abcdefgh", STRSAFE_FAILURE_BYTE('y'), STATUS_BUFFER_OVERFLOW, std::string("yyyyy\0", 6), 5},
      {"abcdefgh", STRSAFE_FAILURE_BYTE(0), STATUS_BUFFER_OVERFLOW, std::string(6, '\0'), 0},
      {"abcdefgh", STRSAFE_NULL_ON_FAILURE, STATUS_BUFFER_OVERFLOW, std::string("\0bcde\0", 6), 0},
      {"abcdefgh", STRSAFE_NO_TRUNCATION, STATUS_BUFFER_OVERFLOW, std::string("\0bcde\0", 6), 0},
      {nullptr, STRSAFE_IGNORE_NULLS, STATUS_SUCCESS, std::string("\0#####", 6), 0},
  };
  for (const auto &c : kCases) {
    Buffer<char, 6> b;
    char *end = nullptr;
    size_t remaining = 0;
    EXPECT_EQ(RtlStringCchCopyExA(b.text, 6, c.source, &end, &remaining, c.flags), c.status) << std::hex << c.flags;
    EXPECT_EQ(b.all(), c.all) << std::hex << c.flags;
    EXPECT_EQ(end, b.text + c.end) << std::hex << c.flags;
    EXPECT_EQ(remaining, 6 - c.end);
    EXPECT_TRUE(b.guard_intact());
  }
}

TEST(RtlStringCchCopyExA, BadInput) {
  Buffer<char, 4> b;
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 4, "a", nullptr, nullptr, 0x2000), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 4, nullptr, nullptr, nullptr, 0), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchCopyExA(nullptr, 4, "a", nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchCopyExA(nullptr, 0, "a", nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlStringCchCopyExA(nullptr, 0, "", nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchCopyExA(nullptr, 0, nullptr, nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 0, "a", nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(RtlStringCchCopyExA(b.text, 0, "a", nullptr, nullptr, 0), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(b.all(), "####") << "only bad calls so far";
}

TEST(RtlStringCchCatExA, NoTruncationKeepsTheOldText) {
  Buffer<char, 5> b("ab");
  char *end = nullptr;
  size_t remaining = 0;
  EXPECT_EQ(RtlStringCchCatExA(b.text, 5, "cdefg", &end, &remaining, STRSAFE_NO_TRUNCATION), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(b.text, "ab");
  EXPECT_EQ(end, b.text + 2);
  EXPECT_EQ(remaining, 3U);
  EXPECT_EQ(RtlStringCchCatExA(b.text, 5, "cd", &end, &remaining, 0), STATUS_SUCCESS);
  EXPECT_EQ(end, b.text + 4);
  EXPECT_EQ(RtlStringCchCatNExA(b.text, 5, "zz", 0, &end, &remaining, 0), STATUS_SUCCESS);
  EXPECT_STREQ(b.text, "abcd");
}

TEST(RtlStringCchPrintfExW, GivesTheEnd) {
  Buffer<char16_t, 16> b;
  char16_t *end = nullptr;
  size_t remaining = 0;
  EXPECT_EQ(RtlStringCchPrintfExW(b.text, 16, &end, &remaining, 0, u"%u", 100), STATUS_SUCCESS);
  EXPECT_EQ(end, b.text + 3);
  EXPECT_EQ(remaining, 13U);
  EXPECT_EQ(RtlStringCbPrintfExW(b.text, 6, &end, &remaining, STRSAFE_NULL_ON_FAILURE, u"%u", 100),
            STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(b.text[0], 0);
  EXPECT_EQ(remaining, 6U);
}

}  // namespace
