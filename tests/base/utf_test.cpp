#include "ntemu/base/utf.h"

#include <gtest/gtest.h>

namespace ntemu::base {
namespace {

TEST(Utf, ConvertsBothWays) {
  const std::u16string wide = u"C:\\Temp\\\u00e9\u20ac\U0001F600";
  const std::string narrow = "C:\\Temp\\\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(to_utf8(wide), narrow);
  EXPECT_EQ(to_utf16(narrow), wide);
}

TEST(Utf, UnpairedSurrogatesSurvive) {
  for (const std::u16string &text :
       {std::u16string{0xD800}, std::u16string{0xDC00, 'x'}, std::u16string{'a', 0xD83D, 'b'}}) {
    EXPECT_EQ(to_utf16(to_utf8(text)), text);
  }
}

TEST(Utf, RefusesWhatIsNoUtf8) {
  for (const char *bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff"}) {
    EXPECT_FALSE(to_utf16(bad)) << bad;
  }
  EXPECT_EQ(to_utf16_lossy("a\xff"
                           "b"),
            u"a\uFFFDb");
}

}  // namespace
}  // namespace ntemu::base
