#include "ntintsafe.h"

#include <gtest/gtest.h>

namespace {

TEST(RtlULongAdd, OverflowGivesAllOnes) {
  ULONG result = 0;
  EXPECT_EQ(RtlULongAdd(1, 2, &result), STATUS_SUCCESS);
  EXPECT_EQ(result, 3U);
  EXPECT_EQ(RtlULongAdd(0xFFFFFFFF, 1, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(result, 0xFFFFFFFF);
  EXPECT_EQ(RtlULongSub(1, 2, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlULongMult(0x10000, 0x10000, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlULongMult(0x10000, 0xFFFF, &result), STATUS_SUCCESS);
}

TEST(RtlUShortAdd, NarrowTypesOverflowAtTheirOwnWidth) {
  USHORT result = 0;
  EXPECT_EQ(RtlUShortAdd(0xFFFF, 1, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlUShortAdd(0xFFFE, 1, &result), STATUS_SUCCESS);
  SHORT signed_result = 0;
  EXPECT_EQ(RtlShortSub(-32768, 1, &signed_result), STATUS_INTEGER_OVERFLOW);
}

TEST(RtlLongLongMult, SignedLimits) {
  LONGLONG result = 0;
  EXPECT_EQ(RtlLongLongMult(INT64_MIN, -1, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(result, -1);
  EXPECT_EQ(RtlLongLongMult(INT64_MAX, 1, &result), STATUS_SUCCESS);
}

TEST(RtlSizeTAdd, SixtyFourBits) {
  size_t result = 0;
  EXPECT_EQ(RtlSizeTAdd(SIZE_MAX, 1, &result), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlSizeTMult(SIZE_MAX / 2, 2, &result), STATUS_SUCCESS);
}

TEST(RtlULongToUShort, Converts) {
  USHORT narrow = 0;
  EXPECT_EQ(RtlULongToUShort(0xFFFF, &narrow), STATUS_SUCCESS);
  EXPECT_EQ(RtlULongToUShort(0x10000, &narrow), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(narrow, 0xFFFF);
  ULONG wide = 0;
  EXPECT_EQ(RtlLongToULong(-1, &wide), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlSizeTToULong(0x100000000, &wide), STATUS_INTEGER_OVERFLOW);
  LONG signed_value = 0;
  EXPECT_EQ(RtlULongToLong(0x80000000, &signed_value), STATUS_INTEGER_OVERFLOW);
  EXPECT_EQ(RtlULongLongToLong(0x7FFFFFFF, &signed_value), STATUS_SUCCESS);
}

}  // namespace
