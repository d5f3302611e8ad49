// The System process.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

inline constexpr ULONG_PTR kSystemProcessId = 4;

void boot_process();
void teardown_process();

}  // namespace ntemu::ps
