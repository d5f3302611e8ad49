#include <gtest/gtest.h>

#include "nt/rtl.h"

namespace {

TEST(RtlTimeToTimeFields, KnownDates) {
  const struct {
    LONGLONG time;
    TIME_FIELDS fields;
  } kCases[] = {
      {0, {1601, 1, 1, 0, 0, 0, 0, 1}},
      {116444736000000000, {1970, 1, 1, 0, 0, 0, 0, 4}},
      {125963423990000000, {2000, 2, 29, 23, 59, 59, 0, 2}},
      {LONGLONG{125963423990000000} + 9990000, {2000, 2, 29, 23, 59, 59, 999, 2}},
  };
  for (const auto &c : kCases) {
    LARGE_INTEGER time{.QuadPart = c.time}, back{};
    TIME_FIELDS fields{};
    RtlTimeToTimeFields(&time, &fields);
    EXPECT_EQ(memcmp(&fields, &c.fields, sizeof fields), 0)
        << fields.Year << ' ' << fields.Month << ' ' << fields.Day << ' ' << fields.Weekday;
    EXPECT_TRUE(RtlTimeFieldsToTime(&fields, &back));
    EXPECT_EQ(back.QuadPart, c.time);
  }
}

TEST(RtlTimeFieldsToTime, RefusesWhatIsOutOfRange) {
  const TIME_FIELDS kBad[] = {
      {1600, 12, 31, 0, 0, 0, 0, 0}, {2001, 2, 29, 0, 0, 0, 0, 0}, {2000, 13, 1, 0, 0, 0, 0, 0},
      {2000, 0, 1, 0, 0, 0, 0, 0},   {2000, 1, 0, 0, 0, 0, 0, 0},  {2000, 1, 1, 24, 0, 0, 0, 0},
      {2000, 1, 1, 0, 60, 0, 0, 0},  {2000, 1, 1, 0, 0, 60, 0, 0}, {2000, 1, 1, 0, 0, 0, 1000, 0},
      {2000, 4, 31, 0, 0, 0, 0, 0},  {2000, 1, -1, 0, 0, 0, 0, 0}, {30828, 1, 1, 0, 0, 0, 0, 0}};
  for (TIME_FIELDS fields : kBad) {
    LARGE_INTEGER time;
    EXPECT_FALSE(RtlTimeFieldsToTime(&fields, &time)) << fields.Year << ' ' << fields.Month << ' ' << fields.Day;
  }
}

TEST(RtlTimeToSecondsSince1970, FitsAULongOrFails) {
  ULONG seconds = 0;
  LARGE_INTEGER time{.QuadPart = 116444736000000000};
  EXPECT_TRUE(RtlTimeToSecondsSince1970(&time, &seconds));
  EXPECT_EQ(seconds, 0U);
  time.QuadPart -= 10000000;
  EXPECT_FALSE(RtlTimeToSecondsSince1970(&time, &seconds));
  RtlSecondsSince1970ToTime(0xFFFFFFFF, &time);
  EXPECT_TRUE(RtlTimeToSecondsSince1970(&time, &seconds));
  EXPECT_EQ(seconds, 0xFFFFFFFF);
  time.QuadPart += 10000000;
  EXPECT_FALSE(RtlTimeToSecondsSince1970(&time, &seconds));
  RtlSecondsSince1980ToTime(5, &time);
  EXPECT_TRUE(RtlTimeToSecondsSince1970(&time, &seconds));
  EXPECT_EQ(seconds, 315532805U);
  EXPECT_TRUE(RtlTimeToSecondsSince1980(&time, &seconds));
  EXPECT_EQ(seconds, 5U);
}

}  // namespace
