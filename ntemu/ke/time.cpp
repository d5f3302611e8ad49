#include "ntemu/api/enter.h"
#include "ntemu/base/clock.h"
#include "ntemu/ke/ke.h"
#include "ntifs.h"

using namespace ntemu;

namespace {

// The performance counter is the interrupt time.
constexpr LONGLONG kPerformanceFrequency = base::kNtPerSecond;

}  // namespace

VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
  NT_ENTER(KeQuerySystemTime, CurrentTime);
  CurrentTime->QuadPart = base::clock().system_time();
}

VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) {
  NT_ENTER(KeQuerySystemTimePrecise, CurrentTime);
  CurrentTime->QuadPart = base::clock().system_time();
}

ULONGLONG KeQueryInterruptTime() {
  NT_ENTER(KeQueryInterruptTime);
  return static_cast<ULONGLONG>(base::clock().interrupt_time());
}

ULONGLONG KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp) {
  NT_ENTER(KeQueryInterruptTimePrecise, QpcTimeStamp);
  const auto now = static_cast<ULONGLONG>(base::clock().interrupt_time());
  *QpcTimeStamp = now;
  return now;
}

ULONGLONG KeQueryUnbiasedInterruptTime() {
  NT_ENTER(KeQueryUnbiasedInterruptTime);
  return static_cast<ULONGLONG>(base::clock().interrupt_time());
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency) {
  NT_ENTER(KeQueryPerformanceCounter, PerformanceFrequency);
  if (PerformanceFrequency) PerformanceFrequency->QuadPart = kPerformanceFrequency;
  LARGE_INTEGER now;
  now.QuadPart = base::clock().interrupt_time();
  return now;
}

VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
  NT_ENTER(KeQueryTickCount, CurrentCount);
  CurrentCount->QuadPart = base::clock().interrupt_time() / ke::kTimeIncrement;
}

ULONG KeQueryTimeIncrement() {
  NT_ENTER(KeQueryTimeIncrement);
  return ke::kTimeIncrement;
}
