#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "ntemu/rtl/crt.h"

namespace {

constexpr int kInvalid = 22, kRange = 34, kTruncated = 80;
constexpr size_t kTruncate = ~size_t{0};

TEST(wcslen, Counts16BitUnits) {
  EXPECT_EQ(nt_wcslen(u""), 0U);
  EXPECT_EQ(nt_wcslen(u"abc"), 3U);
  EXPECT_EQ(nt_wcslen(u"\U0001F600"), 2U);
  EXPECT_EQ(nt_wcsnlen(u"abc", 2), 2U);
  EXPECT_EQ(nt_strnlen("abc", 9), 3U);
}

TEST(wcscpy, CopiesAndAppends) {
  char16_t buffer[16];
  EXPECT_EQ(nt_wcscpy(buffer, u"ab"), buffer);
  EXPECT_EQ(nt_wcscat(buffer, u"cd"), buffer);
  EXPECT_EQ(nt_wcsncat(buffer, u"efgh", 2), buffer);
  EXPECT_EQ(std::u16string(buffer), u"abcdef");
}

TEST(strncpy, PadsAndDoesNotTerminateAFullBuffer) {
  char buffer[5] = {'#', '#', '#', '#', '#'};
  nt_strncpy(buffer, "ab", 4);
  EXPECT_EQ(std::string(buffer, 5), std::string("ab\0\0#", 5));
  nt_strncpy(buffer, "wxyz", 3);
  EXPECT_EQ(std::string(buffer, 5), std::string("wxy\0#", 5));
}

TEST(strcmp, ComparesUnsigned) {
  EXPECT_EQ(nt_strcmp("a", "a"), 0);
  EXPECT_LT(nt_strcmp("a", "\xFF"), 0);
  EXPECT_GT(nt_strcmp("ab", "a"), 0);
  EXPECT_EQ(nt_strncmp("abc", "abd", 2), 0);
  EXPECT_LT(nt_wcscmp(u"a", u"\uFFFF"), 0);
  EXPECT_EQ(nt_wcsncmp(u"abc", u"abd", 2), 0);
}

TEST(stricmp, FoldsToLowerCase) {
  EXPECT_EQ(nt__stricmp("ABC", "abc"), 0);
  EXPECT_LT(nt__stricmp("_", "A"), 0) << "'_' lies between the cases";
  EXPECT_EQ(nt__strnicmp("ABx", "aby", 2), 0);
  EXPECT_EQ(nt__wcsicmp(u"\u00C4b", u"\u00E4B"), 0);
  EXPECT_NE(nt__wcsnicmp(u"ab", u"ac", 2), 0);
  EXPECT_EQ(nt__memicmp("A\0B", "a\0b", 3), 0);
}

TEST(wcschr, FindsCharactersAndTheTerminator) {
  const char16_t text[] = u"abcabc";
  EXPECT_EQ(nt_wcschr(text, u'b'), text + 1);
  EXPECT_EQ(nt_wcsrchr(text, u'b'), text + 4);
  EXPECT_EQ(nt_wcschr(text, 0), text + 6);
  EXPECT_EQ(nt_wcsrchr(text, 0), text + 6);
  EXPECT_EQ(nt_wcschr(text, u'x'), nullptr);
  EXPECT_EQ(nt_wcsrchr(text, u'x'), nullptr);
}

TEST(wcsstr, FindsParts) {
  const char16_t text[] = u"aabab";
  EXPECT_EQ(nt_wcsstr(text, u"aba"), text + 1);
  EXPECT_EQ(nt_wcsstr(text, u""), text);
  EXPECT_EQ(nt_wcsstr(text, u"abc"), nullptr);
  const char narrow[] = "key=value";
  EXPECT_EQ(nt_strstr(narrow, "val"), narrow + 4);
  EXPECT_EQ(nt_strpbrk(narrow, "=v"), narrow + 3);
  EXPECT_EQ(nt_strpbrk(narrow, "xz"), nullptr);
  EXPECT_EQ(nt_strspn(narrow, "kye"), 3U);
  EXPECT_EQ(nt_strcspn(narrow, "="), 3U);
}

TEST(strtok_s, SkipsRunsOfDelimiters) {
  char text[] = ",a,,b;c";
  char *context = nullptr;
  EXPECT_STREQ(nt_strtok_s(text, ",;", &context), "a");
  EXPECT_STREQ(nt_strtok_s(nullptr, ",;", &context), "b");
  EXPECT_STREQ(nt_strtok_s(nullptr, ",;", &context), "c");
  EXPECT_EQ(nt_strtok_s(nullptr, ",;", &context), nullptr);
  EXPECT_EQ(nt_strtok_s(nullptr, ",;", &context), nullptr);
}

TEST(wcslwr, ChangesCaseInPlace) {
  char16_t wide[] = u"AbC\u00C4";
  EXPECT_EQ(std::u16string(nt__wcslwr(wide)), u"abc\u00E4");
  EXPECT_EQ(std::u16string(nt__wcsupr(wide)), u"ABC\u00C4");
  EXPECT_EQ(std::u16string(nt__wcsrev(wide)), u"\u00C4CBA");
  char narrow[] = "Ab1";
  EXPECT_STREQ(nt__strupr(narrow), "AB1");
  EXPECT_EQ(nt__strlwr_s(narrow, 3), kInvalid) << "no terminator within the size";
  EXPECT_STREQ(narrow, "");
  EXPECT_EQ(nt__strlwr_s(nullptr, 3), kInvalid);
}

TEST(wcscpy_s, EmptiesTheDestinationOnFailure) {
  char16_t buffer[4] = u"zzz";
  EXPECT_EQ(nt_wcscpy_s(buffer, 4, u"abc"), 0);
  EXPECT_EQ(nt_wcscpy_s(buffer, 4, u"abcd"), kRange);
  EXPECT_EQ(buffer[0], 0);
  EXPECT_EQ(nt_wcscpy_s(buffer, 4, nullptr), kInvalid);
  EXPECT_EQ(nt_wcscpy_s(nullptr, 4, u"a"), kInvalid);
  EXPECT_EQ(nt_wcscpy_s(buffer, 0, u"a"), kInvalid);
}

TEST(strncpy_s, Counts) {
  char buffer[4] = "zzz";
  EXPECT_EQ(nt_strncpy_s(buffer, 4, "abcdef", 2), 0);
  EXPECT_STREQ(buffer, "ab");
  EXPECT_EQ(nt_strncpy_s(buffer, 4, "abcdef", 4), kRange);
  EXPECT_STREQ(buffer, "");
  EXPECT_EQ(nt_strncpy_s(buffer, 4, "abcdef", kTruncate), kTruncated);
  EXPECT_STREQ(buffer, "abc");
  EXPECT_EQ(nt_strncpy_s(buffer, 4, "ab", kTruncate), 0);
  EXPECT_EQ(nt_strncpy_s(buffer, 4, "ab", 0), 0);
  EXPECT_STREQ(buffer, "");
}

TEST(strcat_s, NeedsATerminatedDestination) {
  char buffer[5] = "ab";
  EXPECT_EQ(nt_strcat_s(buffer, 5, "cd"), 0);
  EXPECT_STREQ(buffer, "abcd");
  EXPECT_EQ(nt_strcat_s(buffer, 5, "e"), kRange);
  EXPECT_STREQ(buffer, "");
  const char full[] = {'a', 'b', 'c'};
  std::copy(full, full + 3, buffer);
  EXPECT_EQ(nt_strcat_s(buffer, 3, "x"), kInvalid);
  char wide_enough[5] = "ab";
  EXPECT_EQ(nt_strncat_s(wide_enough, 5, "cdef", kTruncate), kTruncated);
  EXPECT_STREQ(wide_enough, "abcd");
}

TEST(memcpy_s, ZeroesTheDestinationOnFailure) {
  char buffer[4] = "abc";
  EXPECT_EQ(nt_memcpy_s(buffer, 4, "12345", 5), kRange);
  EXPECT_EQ(std::string(buffer, 4), std::string(4, '\0'));
  EXPECT_EQ(nt_memcpy_s(buffer, 4, nullptr, 1), kInvalid);
  EXPECT_EQ(nt_memcpy_s(nullptr, 4, "a", 1), kInvalid);
  EXPECT_EQ(nt_memmove_s(buffer, 4, "xy", 3), 0);
  EXPECT_STREQ(buffer, "xy");
  EXPECT_EQ(nt_memmove_s(buffer, 4, "12345", 5), kRange);
  EXPECT_STREQ(buffer, "xy");
}

TEST(wmemchr, Finds) {
  const char16_t text[] = {u'a', 0, u'b'};
  EXPECT_EQ(nt_wmemchr(text, u'b', 3), text + 2);
  EXPECT_EQ(nt_wmemchr(text, u'c', 3), nullptr);
  EXPECT_LT(nt_wmemcmp(u"a", u"b", 1), 0);
}

TEST(CharacterClasses, AgreeWithAscii) {
  for (int c = -1; c < 256; ++c) {
    const bool ascii = c >= 0 && c < 128;
    EXPECT_EQ(nt_isalpha(c) != 0, ascii && std::isalpha(c)) << c;
    EXPECT_EQ(nt_isdigit(c) != 0, ascii && std::isdigit(c)) << c;
    EXPECT_EQ(nt_isspace(c) != 0, ascii && std::isspace(c)) << c;
    EXPECT_EQ(nt_isxdigit(c) != 0, ascii && std::isxdigit(c)) << c;
    EXPECT_EQ(nt_ispunct(c) != 0, ascii && std::ispunct(c)) << c;
    EXPECT_EQ(nt_iscntrl(c) != 0, ascii && std::iscntrl(c)) << c;
    EXPECT_EQ(nt_isprint(c) != 0, ascii && std::isprint(c)) << c;
    EXPECT_EQ(nt_isgraph(c) != 0, ascii && std::isgraph(c)) << c;
    EXPECT_EQ(nt_isalnum(c) != 0, ascii && std::isalnum(c)) << c;
    EXPECT_EQ(nt_toupper(c), ascii ? std::toupper(c) : c);
    EXPECT_EQ(nt_tolower(c), ascii ? std::tolower(c) : c);
  }
}

TEST(CharacterClasses, WideKnowLettersWithCase) {
  EXPECT_TRUE(nt_iswupper(0xC4));
  EXPECT_TRUE(nt_iswlower(0xE4));
  EXPECT_FALSE(nt_iswdigit(0x0661));
  EXPECT_EQ(nt_towupper(0xE4), 0xC4);
  EXPECT_EQ(nt_towlower(u'Z'), u'z');
}

}  // namespace
