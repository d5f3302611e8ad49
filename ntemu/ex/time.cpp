// Local time, and the clock's resolution.
#include <algorithm>
#include <ctime>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/ke.h"

using namespace ntemu;

namespace {

constexpr ULONG kShortestTick = 5000;

struct Resolution {
  base::Mutex mutex;
  ULONG requests NTEMU_GUARDED_BY(mutex) = 0;
  ULONG tick NTEMU_GUARDED_BY(mutex) = ke::kTimeIncrement;
};

Resolution &resolution() {
  static Resolution *one = new Resolution;
  return *one;
}

// What is added to system time to get local time.
LONGLONG time_zone_bias() {
  const auto now = static_cast<time_t>((base::clock().system_time() - base::kUnixEpoch) / base::kNtPerSecond);
  tm local{};
  localtime_r(&now, &local);
  return local.tm_gmtoff * base::kNtPerSecond;
}

}  // namespace

namespace ntemu::ex {

void boot_time() {
  Resolution &all = resolution();
  base::Guard guard(all.mutex);
  all.requests = 0;
  all.tick = ke::kTimeIncrement;
}

}  // namespace ntemu::ex

VOID ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime) {
  NT_ENTER(ExSystemTimeToLocalTime, SystemTime, LocalTime);
  LocalTime->QuadPart = SystemTime->QuadPart + time_zone_bias();
}

VOID ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime) {
  NT_ENTER(ExLocalTimeToSystemTime, LocalTime, SystemTime);
  SystemTime->QuadPart = LocalTime->QuadPart - time_zone_bias();
}

VOID ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime) {
  NT_ENTER(ExQueryTimerResolution, MaximumTime, MinimumTime, CurrentTime);
  Resolution &all = resolution();
  base::Guard guard(all.mutex);
  *MaximumTime = ke::kTimeIncrement;
  *MinimumTime = kShortestTick;
  *CurrentTime = all.tick;
}

ULONG ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution) {
  NT_ENTER(ExSetTimerResolution, DesiredTime, SetResolution);
  Resolution &all = resolution();
  base::Guard guard(all.mutex);
  if (SetResolution) {
    ++all.requests;
    all.tick = std::min(all.tick, std::max(DesiredTime, kShortestTick));
  } else if (all.requests > 0 && --all.requests == 0) {
    all.tick = ke::kTimeIncrement;
  }
  return all.tick;
}
