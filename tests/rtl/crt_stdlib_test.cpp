#include <gtest/gtest.h>

#include <climits>
#include <string>

#include "ntemu/rtl/crt.h"

namespace {

TEST(strtol, ParsesAndSaturatesAt32Bits) {
  const struct {
    const char *text;
    int base, value;
    size_t used;
  } kCases[] = {{"42", 10, 42, 2},
                {"  -7x", 10, -7, 4},
                {"0x1F", 0, 31, 4},
                {"0x1F", 16, 31, 4},
                {"017", 0, 15, 3},
                {"zz", 36, 35 * 36 + 35, 2},
                {"0x", 16, 0, 1},
                {"", 10, 0, 0},
                {"x", 10, 0, 0},
                {"12", 1, 0, 0},
                {"99999999999", 10, INT_MAX, 11},
                {"-99999999999", 10, INT_MIN, 12},
                {"-2147483648", 10, INT_MIN, 11},
                {"+5", 10, 5, 2}};
  for (const auto &c : kCases) {
    char *end = nullptr;
    EXPECT_EQ(nt_strtol(c.text, &end, c.base), c.value) << c.text;
    EXPECT_EQ(static_cast<size_t>(end - c.text), c.used) << c.text;
  }
}

TEST(strtoul, UnsignedLimits) {
  EXPECT_EQ(nt_strtoul("4294967295", nullptr, 10), 0xFFFFFFFFU);
  EXPECT_EQ(nt_strtoul("4294967296", nullptr, 10), 0xFFFFFFFFU);
  EXPECT_EQ(nt_strtoul("-1", nullptr, 10), 0xFFFFFFFFU);
  EXPECT_EQ(nt_strtoull("18446744073709551616", nullptr, 10), ULLONG_MAX);
  EXPECT_EQ(nt__strtoi64("-9223372036854775808", nullptr, 10), LLONG_MIN);
  char16_t *end = nullptr;
  const char16_t text[] = u"ffz";
  EXPECT_EQ(nt_wcstoul(text, &end, 16), 0xFFU);
  EXPECT_EQ(end, text + 2);
  EXPECT_EQ(nt__wtoi(u" 12"), 12);
  EXPECT_EQ(nt_atoi("-12abc"), -12);
  EXPECT_EQ(nt__atoi64("99999999999"), 99999999999LL);
}

TEST(itoa, OnlyDecimalHasASign) {
  char buffer[70];
  EXPECT_STREQ(nt__itoa(-1, buffer, 10), "-1");
  EXPECT_STREQ(nt__itoa(-1, buffer, 16), "ffffffff");
  EXPECT_STREQ(nt__itoa(INT_MIN, buffer, 10), "-2147483648");
  EXPECT_STREQ(nt__i64toa(LLONG_MIN, buffer, 10), "-9223372036854775808");
  EXPECT_STREQ(nt__ui64toa(ULLONG_MAX, buffer, 2), std::string(64, '1').c_str());
  char16_t wide[16];
  EXPECT_EQ(std::u16string(nt__ultow(255, wide, 16)), u"ff");
}

TEST(itoa_s, ChecksTheRoom) {
  char buffer[4] = "zzz";
  EXPECT_EQ(nt__itoa_s(123, buffer, 4, 10), 0);
  EXPECT_STREQ(buffer, "123");
  EXPECT_EQ(nt__itoa_s(1234, buffer, 4, 10), 34);
  EXPECT_STREQ(buffer, "");
  EXPECT_EQ(nt__itoa_s(1, buffer, 4, 1), 22);
  EXPECT_EQ(nt__itoa_s(1, nullptr, 4, 10), 22);
}

TEST(qsort, SortsAndSearches) {
  int values[] = {5, 1, 4};
  const auto order = [](const void *a, const void *b) {
    return *static_cast<const int *>(a) - *static_cast<const int *>(b);
  };
  nt_qsort(values, 3, sizeof(int), order);
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[2], 5);
  const int key = 4;
  EXPECT_EQ(nt_bsearch(&key, values, 3, sizeof(int), order), &values[1]);
}

TEST(rand, RepeatsFromItsSeed) {
  nt_srand(7);
  const int first = nt_rand(), second = nt_rand();
  nt_srand(7);
  EXPECT_EQ(nt_rand(), first);
  EXPECT_EQ(nt_rand(), second);
  for (int i = 0; i < 100; ++i) {
    const int value = nt_rand();
    EXPECT_TRUE(value >= 0 && value <= 0x7fff);
  }
  EXPECT_EQ(nt_abs(-3), 3);
}

}  // namespace
