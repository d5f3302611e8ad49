#include <gtest/gtest.h>

#include "nt/rtl.h"
#include "text.h"

using namespace ntemu::test;

namespace {

constexpr GUID kGuid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 0xFE, 0xFF}};
constexpr char16_t kText[] = u"{12345678-9ABC-DEF0-0102-03040506FEFF}";

TEST(RtlStringFromGUID, WritesUpperCase) {
  UNICODE_STRING string{};
  ASSERT_EQ(RtlStringFromGUID(&kGuid, &string), STATUS_SUCCESS);
  EXPECT_EQ(text_of(string), kText);
  EXPECT_EQ(string.MaximumLength, string.Length + 2);
  RtlFreeUnicodeString(&string);
}

TEST(RtlGUIDFromString, ReadsEitherCase) {
  for (const char16_t *text : {kText, u"{12345678-9abc-def0-0102-03040506feff}"}) {
    const UNICODE_STRING string = counted(std::u16string_view(text));
    GUID guid{};
    ASSERT_EQ(RtlGUIDFromString(&string, &guid), STATUS_SUCCESS);
    EXPECT_EQ(memcmp(&guid, &kGuid, sizeof guid), 0);
  }
}

TEST(RtlGUIDFromString, RefusesOtherText) {
  for (const char16_t *text :
       {u"", u"{", u"12345678-9ABC-DEF0-0102-03040506FEFF", u"{12345678-9ABC-DEF0-0102-03040506FEFF",
        u"{12345678-9ABC-DEF0-0102-03040506FEFG}", u"{12345678+9ABC-DEF0-0102-03040506FEFF}"}) {
    const UNICODE_STRING string = counted(std::u16string_view(text));
    GUID guid{};
    EXPECT_EQ(RtlGUIDFromString(&string, &guid), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(guid.Data1, 0U) << "untouched";
  }
}

}  // namespace
