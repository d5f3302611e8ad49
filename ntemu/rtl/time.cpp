// Calendar fields from NT time (100 ns units since 1601) and back.
#include <chrono>

#include "nt/rtl.h"
#include "ntemu/api/enter.h"

namespace {

using namespace std::chrono;

constexpr LONGLONG kPerMillisecond = 10'000;
constexpr LONGLONG kPerSecond = 1'000 * kPerMillisecond;
constexpr LONGLONG kPerDay = 86'400 * kPerSecond;
constexpr sys_days kEpoch = year{1601} / January / 1;
constexpr LONGLONG kSecondsTo1970 = (sys_days{year{1970} / January / 1} - kEpoch).count() * 86'400LL;
constexpr LONGLONG kSecondsTo1980 = (sys_days{year{1980} / January / 1} - kEpoch).count() * 86'400LL;
static_assert(kSecondsTo1970 == 11'644'473'600);

bool to_seconds(LONGLONG time, LONGLONG start, ULONG &seconds) {
  const LONGLONG count = time / kPerSecond - start;
  if (time < 0 || count < 0 || count > 0xFFFF'FFFFLL) return false;
  seconds = static_cast<ULONG>(count);
  return true;
}

bool within(CSHORT value, int first, int last) { return value >= first && value <= last; }

}  // namespace

extern "C" {

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields) {
  NT_ENTER(RtlTimeToTimeFields, Time, TimeFields);
  const LONGLONG time = Time->QuadPart;
  const sys_days day = kEpoch + days{time / kPerDay};
  const year_month_day date{day};
  const LONGLONG rest = time % kPerDay;
  *TimeFields = {
      static_cast<CSHORT>(static_cast<int>(date.year())),     static_cast<CSHORT>(static_cast<unsigned>(date.month())),
      static_cast<CSHORT>(static_cast<unsigned>(date.day())), static_cast<CSHORT>(rest / (3'600 * kPerSecond)),
      static_cast<CSHORT>(rest / (60 * kPerSecond) % 60),     static_cast<CSHORT>(rest / kPerSecond % 60),
      static_cast<CSHORT>(rest / kPerMillisecond % 1'000),    static_cast<CSHORT>(weekday{day}.c_encoding())};
}

BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time) {
  NT_ENTER(RtlTimeFieldsToTime, TimeFields, Time);
  const TIME_FIELDS &f = *TimeFields;
  if (!within(f.Year, 1601, 30827) || !within(f.Month, 1, 12) || !within(f.Day, 1, 31) || !within(f.Hour, 0, 23) ||
      !within(f.Minute, 0, 59) || !within(f.Second, 0, 59) || !within(f.Milliseconds, 0, 999)) {
    return FALSE;
  }
  const year_month_day date{year{f.Year}, month{static_cast<unsigned>(f.Month)}, day{static_cast<unsigned>(f.Day)}};
  if (!date.ok()) return FALSE;
  const LONGLONG seconds = (f.Hour * 60LL + f.Minute) * 60 + f.Second;
  Time->QuadPart =
      (sys_days{date} - kEpoch).count() * kPerDay + seconds * kPerSecond + f.Milliseconds * kPerMillisecond;
  return TRUE;
}

BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds) {
  NT_ENTER(RtlTimeToSecondsSince1970, Time, ElapsedSeconds);
  return to_seconds(Time->QuadPart, kSecondsTo1970, *ElapsedSeconds);
}

VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time) {
  NT_ENTER(RtlSecondsSince1970ToTime, ElapsedSeconds, Time);
  Time->QuadPart = (kSecondsTo1970 + ElapsedSeconds) * kPerSecond;
}

BOOLEAN RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds) {
  NT_ENTER(RtlTimeToSecondsSince1980, Time, ElapsedSeconds);
  return to_seconds(Time->QuadPart, kSecondsTo1980, *ElapsedSeconds);
}

VOID RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time) {
  NT_ENTER(RtlSecondsSince1980ToTime, ElapsedSeconds, Time);
  Time->QuadPart = (kSecondsTo1980 + ElapsedSeconds) * kPerSecond;
}

}  // extern "C"
