#include <gtest/gtest.h>

#include "ntstrsafe.h"
#include "text.h"

using namespace ntemu::test;

namespace {

TEST(RtlUnicodeStringInit, PointsAtTheSource) {
  UNICODE_STRING string{2, 2, nullptr};
  EXPECT_EQ(RtlUnicodeStringInit(&string, u"abc"), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 6);
  EXPECT_EQ(string.MaximumLength, 8);
  EXPECT_EQ(RtlUnicodeStringInit(&string, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(string.Buffer, nullptr);
  EXPECT_EQ(RtlUnicodeStringInit(nullptr, u"a"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlUnicodeStringInit(&string, std::u16string(32767, u'x').c_str()), STATUS_INVALID_PARAMETER);
  const std::u16string longest(32766, u'x');
  EXPECT_EQ(RtlUnicodeStringInit(&string, longest.c_str()), STATUS_SUCCESS);
}

TEST(RtlUnicodeStringValidate, ChecksTheShape) {
  const UNICODE_STRING good = counted(std::u16string_view(u"ab"));
  UNICODE_STRING odd = good, longer = good, no_buffer{0, 2, nullptr}, odd_maximum = good, empty{};
  odd.Length = 1;
  longer.Length = 6;
  odd_maximum.MaximumLength = 5;
  EXPECT_EQ(RtlUnicodeStringValidate(&good), STATUS_SUCCESS);
  EXPECT_EQ(RtlUnicodeStringValidate(&empty), STATUS_SUCCESS);
  for (const UNICODE_STRING *bad : {&odd, &longer, &no_buffer, &odd_maximum})
    EXPECT_EQ(RtlUnicodeStringValidate(bad), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlUnicodeStringValidate(nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlUnicodeStringValidateEx(nullptr, STRSAFE_IGNORE_NULL_UNICODE_STRINGS), STATUS_SUCCESS);
}

TEST(RtlUnicodeStringCopy, CutsWithoutTerminator) {
  const UNICODE_STRING source = counted(std::u16string_view(u"abcdef"));
  Wide<8> destination;
  EXPECT_EQ(RtlUnicodeStringCopy(&destination.string, &source), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(destination.text(), u"abcd");
  EXPECT_TRUE(destination.guard_intact());
  EXPECT_EQ(RtlUnicodeStringCopyString(&destination.string, u"xy"), STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"xy");
  EXPECT_EQ(destination.buffer[2], u'c') << "not terminated";
  EXPECT_EQ(RtlUnicodeStringCopyString(&destination.string, nullptr), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(RtlUnicodeStringCopy(nullptr, &source), STATUS_INVALID_PARAMETER);
}

TEST(RtlUnicodeStringCat, Appends) {
  Wide<8> destination(u"ab");
  const UNICODE_STRING source = counted(std::u16string_view(u"cde"));
  EXPECT_EQ(RtlUnicodeStringCat(&destination.string, &source), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(destination.text(), u"abcd");
  destination.string.Length = 0;
  EXPECT_EQ(RtlUnicodeStringCatString(&destination.string, u"zz"), STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"zz");
  EXPECT_EQ(RtlUnicodeStringCchCatN(&destination.string, &source, 1), STATUS_SUCCESS);
  EXPECT_EQ(RtlUnicodeStringCbCatStringN(&destination.string, u"qrs", 2), STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"zzcq");
}

TEST(RtlUnicodeStringCopyEx, FlagsAndRemaining) {
  const UNICODE_STRING source = counted(std::u16string_view(u"abc"));
  Wide<10> destination;
  UNICODE_STRING remaining{};
  EXPECT_EQ(RtlUnicodeStringCopyEx(&destination.string, &source, &remaining, STRSAFE_FILL_BYTE(0x41)), STATUS_SUCCESS);
  EXPECT_EQ(remaining.Buffer, destination.buffer + 3);
  EXPECT_EQ(remaining.MaximumLength, 4);
  EXPECT_EQ(remaining.Length, 0);
  EXPECT_EQ(destination.buffer[3], 0x4141);
  EXPECT_TRUE(destination.guard_intact());
  Wide<4> small(u"x");
  EXPECT_EQ(RtlUnicodeStringCatEx(&small.string, &source, nullptr, STRSAFE_NO_TRUNCATION), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.text(), u"x");
  EXPECT_EQ(RtlUnicodeStringCopyEx(&small.string, &source, nullptr, STRSAFE_ZERO_LENGTH_ON_FAILURE),
            STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.string.Length, 0);
  EXPECT_EQ(RtlUnicodeStringCopyStringEx(&small.string, u"ab", nullptr, STRSAFE_UNICODE_STRING_DEST_NULL_TERMINATED),
            STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(small.text(), u"a");
  EXPECT_EQ(small.buffer[1], 0);
  EXPECT_EQ(RtlUnicodeStringCopyStringEx(&small.string, nullptr, nullptr, STRSAFE_IGNORE_NULLS), STATUS_SUCCESS);
  EXPECT_EQ(small.string.Length, 0);
  EXPECT_EQ(RtlUnicodeStringCopyEx(&small.string, &source, nullptr, 0x80000000), STATUS_INVALID_PARAMETER);
}

TEST(RtlUnicodeStringPrintf, FormatsIntoTheBuffer) {
  Wide<20> destination;
  EXPECT_EQ(RtlUnicodeStringPrintf(&destination.string, u"dev%d", 7), STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"dev7");
  EXPECT_EQ(RtlUnicodeStringPrintf(&destination.string, u"%s", u"0123456789ab"), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(destination.text(), u"0123456789");
  EXPECT_TRUE(destination.guard_intact());
  UNICODE_STRING remaining{};
  EXPECT_EQ(RtlUnicodeStringPrintfEx(&destination.string, &remaining, 0, u"%c", u'x'), STATUS_SUCCESS);
  EXPECT_EQ(remaining.MaximumLength, 18);
}

}  // namespace
