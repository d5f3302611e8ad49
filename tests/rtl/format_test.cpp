#include "ntemu/rtl/format.h"

#include <gtest/gtest.h>

#include "text.h"

using namespace ntemu;
using namespace ntemu::test;

namespace {

std::string narrow(const char *format, ...) {
  char buffer[256];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = rtl::format(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return {buffer, std::min(length, sizeof buffer)};
}

std::u16string wide(const char16_t *format, ...) {
  char16_t buffer[256];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = rtl::format(buffer, std::size(buffer), format, arguments);
  va_end(arguments);
  return {buffer, std::min(length, std::size(buffer))};
}

size_t length_in(size_t room, char *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t length = rtl::format(buffer, room, format, arguments);
  va_end(arguments);
  return length;
}

TEST(Format, Integers) {
  const struct {
    const char *format;
    int value;
    const char *text;
  } kCases[] = {
      {"%d", 0, "0"},
      {"%d", -7, "-7"},
      {"%i", INT32_MIN, "-2147483648"},
      {"%u", -1, "4294967295"},
      {"%x", -1, "ffffffff"},
      {"%X", 0xBEEF, "BEEF"},
      {"%o", 8, "10"},
      {"%5d|", 42, "   42|"},
      {"%-5d|", 42, "42   |"},
      {"%05d", 42, "00042"},
      {"%05d", -42, "-0042"},
      {"%+d", 3, "+3"},
      {"% d", 3, " 3"},
      {"%+ d", 3, "+3"},
      {"%+u", 3, "3"},
      {"%#x", 255, "0xff"},
      {"%#X", 255, "0XFF"},
      {"%#x", 0, "0"},
      {"%#o", 8, "010"},
      {"%.3d", 5, "005"},
      {"%8.3d", -5, "    -005"},
      {"%08.3d", 5, "     005"},
      {"%.0d", 0, ""},
      {"%-05d|", 4, "4    |"},
      {"%#08x", 255, "0x0000ff"},
      {"%hd", 0x18000, "-32768"},
      {"%hu", 0x1FFFF, "65535"},
      {"%hx", 0x12345, "2345"},
      {"%hhd", 0x180, "-128"},
      {"%ld", -3, "-3"},
      {"%lu", -1, "4294967295"},
      {"%lx", -1, "ffffffff"},
      {"%I32d", -1, "-1"},
      {"%I32u", -1, "4294967295"},
      {"%08lX", static_cast<int>(0xC0000022), "C0000022"},
  };
  for (const auto &c : kCases) EXPECT_EQ(narrow(c.format, c.value), c.text) << c.format;
}

TEST(Format, LongIs32BitsWideSoLaterArgumentsStayInStep) { EXPECT_EQ(narrow("%ld %s %lu", -1, "x", 5U), "-1 x 5"); }

TEST(Format, SixtyFourBits) {
  const long long value = -0x123456789ALL;
  for (const char *format : {"%lld", "%I64d", "%Id", "%zd", "%td", "%jd", "%lli"})
    EXPECT_EQ(narrow(format, value), "-78187493530") << format;
  EXPECT_EQ(narrow("%I64x", 0xFFFFFFFFFFFFFFFFULL), "ffffffffffffffff");
  EXPECT_EQ(narrow("%llu", 18446744073709551615ULL), "18446744073709551615");
  EXPECT_EQ(narrow("%lld", INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(narrow("%I64u|%Iu|%zu", 1ULL, 2ULL, 3ULL), "1|2|3");
}

TEST(Format, PointersAre16UpperCaseDigits) {
  EXPECT_EQ(narrow("%p", reinterpret_cast<void *>(0xFFFFF8000012ABCDULL)), "FFFFF8000012ABCD");
  EXPECT_EQ(narrow("%p", nullptr), "0000000000000000");
  EXPECT_EQ(narrow("%20p|%-18p|", reinterpret_cast<void *>(1), reinterpret_cast<void *>(2)),
            "    0000000000000001|0000000000000002  |");
}

TEST(Format, WidthAndPrecisionFromArguments) {
  EXPECT_EQ(narrow("%*d|", 4, 7), "   7|");
  EXPECT_EQ(narrow("%*d|", -4, 7), "7   |");
  EXPECT_EQ(narrow("%.*s|", 2, "abc"), "ab|");
  EXPECT_EQ(narrow("%.*s|", -1, "abc"), "abc|");
  EXPECT_EQ(narrow("%*.*d|", 5, 2, 7), "   07|");
}

TEST(Format, StringWidthsOfNarrowFunctions) {
  EXPECT_EQ(narrow("%s %S %hs %ls %ws %lS %hS", "a", u"b", "c", u"d", u"e", u"f", "g"), "a b c d e f g");
  EXPECT_EQ(narrow("%c%C%hc%lc%wc", 'a', u'b', 'c', u'd', u'e'), "abcde");
}

TEST(Format, StringWidthsOfWideFunctions) {
  EXPECT_EQ(wide(u"%s %S %hs %ls %ws %lS %hS", u"a", "b", "c", u"d", u"e", u"f", "g"), u"a b c d e f g");
  EXPECT_EQ(wide(u"%c%C%hc%lc%wc", u'a', 'b', 'c', u'd', u'e'), u"abcde");
  EXPECT_EQ(wide(u"\\DosDevices\\C:\\Temp\\file_%d.txt", 12), u"\\DosDevices\\C:\\Temp\\file_12.txt");
}

TEST(Format, StringPadding) {
  EXPECT_EQ(narrow("%5s|%-5s|%05s|%.2s|", "ab", "ab", "ab", "abc"), "   ab|ab   |000ab|ab|");
  EXPECT_EQ(narrow("%3c|%-3c|", 'x', 'y'), "  x|y  |");
}

TEST(Format, PrecisionKeepsUnterminatedStringsSafe) {
  const char letters[3] = {'a', 'b', 'c'};
  const char16_t wides[3] = {u'd', u'e', u'f'};
  EXPECT_EQ(narrow("%.3s%.3ws", letters, wides), "abcdef");
}

TEST(Format, CountedStrings) {
  const UNICODE_STRING unicode = counted(std::u16string_view(u"\\Device\\X!").substr(0, 9));
  const STRING ansi = counted(std::string_view("narrow"));
  EXPECT_EQ(narrow("%wZ %lZ %Z %hZ", &unicode, &unicode, &ansi, &ansi), "\\Device\\X \\Device\\X narrow narrow");
  EXPECT_EQ(wide(u"%wZ %Z", &unicode, &ansi), u"\\Device\\X narrow");
  EXPECT_EQ(narrow("[%12wZ][%-12wZ][%.3wZ]", &unicode, &unicode, &unicode), "[   \\Device\\X][\\Device\\X   ][\\De]");
}

TEST(Format, CountedStringsKeepEmbeddedNuls) {
  const UNICODE_STRING unicode = counted(std::u16string_view(u"a\0b", 3));
  EXPECT_EQ(narrow("%wZ", &unicode), std::string("a\0b", 3));
}

TEST(Format, OddLengthDropsTheHalfUnit) {
  UNICODE_STRING unicode = counted(std::u16string_view(u"abc"));
  unicode.Length = 5;
  EXPECT_EQ(wide(u"%wZ", &unicode), u"ab");
}

TEST(Format, NullPrintsNull) {
  const UNICODE_STRING empty{};
  EXPECT_EQ(narrow("%s %S %wZ %Z", nullptr, nullptr, nullptr, nullptr), "(null) (null) (null) (null)");
  EXPECT_EQ(wide(u"%s %S %wZ", nullptr, nullptr, &empty), u"(null) (null) (null)");
  EXPECT_EQ(narrow("%8s|%.2s", nullptr, nullptr), "  (null)|(n");
}

TEST(Format, ConvertsThroughUtf8) {
  EXPECT_EQ(narrow("%ws", u"gr\u00FC\u00DF \u20AC \U0001F600"), "gr\u00FC\u00DF \u20AC \U0001F600");
  EXPECT_EQ(wide(u"%hs", "\u20AC\U0001F600"), u"\u20AC\U0001F600");
  EXPECT_EQ(narrow("%C", 0x20AC), "\u20AC");
}

TEST(Format, LoneSurrogatesAndBadBytesBecomeTheReplacementCharacter) {
  const char16_t high[] = {u'a', 0xD800, u'b', 0};
  const char16_t low_first[] = {0xDC00, 0xD800, 0};
  EXPECT_EQ(narrow("%ws", high), "a\uFFFDb");
  EXPECT_EQ(narrow("%ws", low_first), "\uFFFD\uFFFD");
  EXPECT_EQ(wide(u"%hs", "a\xFF\xE2\x82z"), u"a\uFFFD\uFFFDz");
  EXPECT_EQ(wide(u"%ws", high), std::u16string(high)) << "wide to wide copies units";
}

TEST(Format, PaddingCountsUnitsOfTheOutput) {
  EXPECT_EQ(narrow("%4ws|", u"\u20AC"), " \u20AC|");
  EXPECT_EQ(wide(u"%4hs|", "\u20AC"), u"   \u20AC|");
}

TEST(Format, FloatingPointPrintsTheConversionItself) {
  EXPECT_EQ(narrow("%f|%6.2e|%d", 1.5, 2.5, 3), "%f|%6.2e|3");
  EXPECT_EQ(wide(u"%g %d", 1.0, 4), u"%g 4");
}

TEST(Format, NeverWritesThroughPercentN) {
  int target = 42;
  EXPECT_EQ(narrow("ab%n%d", &target, 1), "ab%n1");
  EXPECT_EQ(target, 42);
}

TEST(Format, UnknownConversionsAreCopied) {
  EXPECT_EQ(narrow("100%%"), "100%");
  EXPECT_EQ(narrow("%y%d", 3), "y3");
  EXPECT_EQ(narrow("end%"), "end");
  EXPECT_EQ(narrow("end%5"), "end");
}

TEST(Format, ReturnsTheWholeLengthAndStopsAtTheRoom) {
  char buffer[5] = {'#', '#', '#', '#', '#'};
  EXPECT_EQ(length_in(3, buffer, "%s", "abcdef"), 6U);
  EXPECT_EQ(std::string(buffer, 5), "abc##");
  EXPECT_EQ(length_in(0, nullptr, "%10d", 1), 10U);
}

TEST(Format, HugeWidthsDoNotOverflow) {
  char buffer[4];
  EXPECT_EQ(length_in(sizeof buffer, buffer, "%99999999999d", 1), size_t{1} << 20);
  EXPECT_EQ(length_in(sizeof buffer, buffer, "%*d", INT32_MIN, 1), size_t{1} << 20);
  EXPECT_EQ(length_in(sizeof buffer, buffer, "%*.*d", INT32_MAX, INT32_MAX, 1), size_t{1} << 20);
}

}  // namespace
