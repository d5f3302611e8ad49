#pragma once

#include <string>

#include "ntemu/base/clock.h"

namespace ntemu::machine {

// MEX's form of a duration: 15ms, 43s.296, 1m:53.953, 1h:01:01.005, 2d.01:01:01.005; 0.
std::string format_duration(base::Nt100ns duration);

}  // namespace ntemu::machine
