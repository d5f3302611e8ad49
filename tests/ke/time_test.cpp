#include <cstdlib>
#include <ctime>

#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

using Time = FakeTimeTest;

LARGE_INTEGER large(LONGLONG value) {
  LARGE_INTEGER result;
  result.QuadPart = value;
  return result;
}

TEST_F(Time, KeQuerySystemTimeIsTheClocks) {
  LARGE_INTEGER now, precise;
  KeQuerySystemTime(&now);
  EXPECT_EQ(now.QuadPart, base::kUnixEpoch);
  clock.advance(5);
  clock.shift_system_time(7);
  KeQuerySystemTime(&now);
  KeQuerySystemTimePrecise(&precise);
  EXPECT_EQ(now.QuadPart, base::kUnixEpoch + 12);
  EXPECT_EQ(precise.QuadPart, now.QuadPart);
}

TEST_F(Time, InterruptTimesDoNotFollowTheSystemTime) {
  clock.advance(5);
  clock.shift_system_time(kNtPerSecond);
  ULONG64 counter = 0;
  EXPECT_EQ(KeQueryInterruptTime(), 5u);
  EXPECT_EQ(KeQueryInterruptTimePrecise(&counter), 5u);
  EXPECT_EQ(counter, static_cast<ULONG64>(KeQueryPerformanceCounter(nullptr).QuadPart));
  EXPECT_EQ(KeQueryUnbiasedInterruptTime(), 5u);
}

TEST_F(Time, ThePerformanceCounterCountsAtItsFrequency) {
  LARGE_INTEGER frequency;
  const LARGE_INTEGER before = KeQueryPerformanceCounter(&frequency);
  clock.advance(kNtPerSecond);
  EXPECT_EQ(KeQueryPerformanceCounter(nullptr).QuadPart - before.QuadPart, frequency.QuadPart);
}

TEST_F(Time, TheTickCountCountsTimeIncrements) {
  LARGE_INTEGER ticks;
  KeQueryTickCount(&ticks);
  EXPECT_EQ(ticks.QuadPart, 0);
  EXPECT_EQ(KeQueryTimeIncrement(), 156250u);
  clock.advance(3 * LONGLONG{KeQueryTimeIncrement()} - 1);
  KeQueryTickCount(&ticks);
  EXPECT_EQ(ticks.QuadPart, 2);
  clock.advance(1);
  KeQueryTickCount(&ticks);
  EXPECT_EQ(ticks.QuadPart, 3);
}

TEST_F(Time, LocalTimeHasTheBiasOfTheTimeZone) {
  setenv("TZ", "XXX-3:30", 1);
  tzset();
  LARGE_INTEGER system = large(base::kUnixEpoch + kNtPerSecond), local, back;
  ExSystemTimeToLocalTime(&system, &local);
  EXPECT_EQ(local.QuadPart - system.QuadPart, (3 * 60 + 30) * 60 * kNtPerSecond);
  ExLocalTimeToSystemTime(&local, &back);
  EXPECT_EQ(back.QuadPart, system.QuadPart);
  setenv("TZ", "UTC", 1);
  tzset();
  ExSystemTimeToLocalTime(&system, &local);
  EXPECT_EQ(local.QuadPart, system.QuadPart);
}

TEST_F(Time, TheResolutionIsTheFinestAskedForUntilAllAreGivenBack) {
  ULONG longest, shortest, current;
  ExQueryTimerResolution(&longest, &shortest, &current);
  EXPECT_EQ(longest, 156250u);
  EXPECT_EQ(current, longest);
  EXPECT_EQ(ExSetTimerResolution(20000, TRUE), 20000u);
  EXPECT_EQ(ExSetTimerResolution(30000, TRUE), 20000u);
  EXPECT_EQ(ExSetTimerResolution(1, TRUE), shortest);
  ExQueryTimerResolution(&longest, &shortest, &current);
  EXPECT_EQ(current, shortest);
  EXPECT_EQ(ExSetTimerResolution(0, FALSE), shortest);
  EXPECT_EQ(ExSetTimerResolution(0, FALSE), shortest);
  EXPECT_EQ(ExSetTimerResolution(0, FALSE), longest);
  EXPECT_EQ(ExSetTimerResolution(0, FALSE), longest);
}

}  // namespace
}  // namespace ntemu::test
