#include "tools/ntcc/long_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace ntemu::ntcc {
namespace {

// "line:column" of each find.
std::string found(std::string_view source) {
  std::string text;
  for (const Place &place : find_plain_long(source))
    text += std::to_string(place.line) + ":" + std::to_string(place.column) + " ";
  return text;
}

TEST(FindPlainLong, EverySpelling) {
  EXPECT_EQ(found("long a;\nunsigned long b;\nlong int c;\nint long d;\nconst long unsigned e;\nsizeof(long)"),
            "1:1 2:10 3:1 4:5 5:7 6:8 ");
}

TEST(FindPlainLong, NotLongLongNorLongDouble) {
  EXPECT_EQ(found("long long a; unsigned long long b; long int long c; long double d; double long e; long\nlong f;"),
            "");
}

TEST(FindPlainLong, NotInCommentsAndLiterals) {
  EXPECT_EQ(found("// long\n/* long\n long */ \"long\" 'long' \"\\\" long\" L\"long\" R\"x(long)\" long)x\" belong "
                  "long_ longer"),
            "");
}

TEST(FindPlainLong, AfterCommentsAndLiteralsTheLineIsRight) {
  EXPECT_EQ(found("/* a\n b */ long x; // long \\\n long\n\"long\" long y;"), "2:7 4:8 ");
}

TEST(FindPlainLong, OncePerLine) { EXPECT_EQ(found("long f(long a, long b);\nlong g(void);"), "1:1 2:1 "); }

TEST(FindPlainLong, UnterminatedTextEnds) {
  EXPECT_EQ(found("\"long"), "");
  EXPECT_EQ(found("/* long"), "");
  EXPECT_EQ(found("'\\"), "");
  EXPECT_EQ(found("R\"(long"), "");
  EXPECT_EQ(found("'a\nlong x;"), "2:1 ");
}

}  // namespace
}  // namespace ntemu::ntcc
