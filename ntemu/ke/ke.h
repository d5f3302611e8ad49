// What the machine calls of ke.
#pragma once

#include "nt/basetsd.h"
#include "ntemu/base/clock.h"

namespace ntemu::ke {

// Clock interrupt period, 100 ns units: 64 Hz as on Windows.
inline constexpr ULONG kTimeIncrement = 156250;

void boot_bugcheck();

}  // namespace ntemu::ke
