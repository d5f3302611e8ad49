// The kit's own calls of the kernel: neither mocked nor told as leaks of the test.
#pragma once

#include "ntemu/include/ntemu/override.h"

namespace ntemu::testing {

using Quiet = api::Bypass;

}  // namespace ntemu::testing
