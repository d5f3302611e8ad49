// What an NTSTATUS means to a Linux program.
#pragma once

#include "ntifs.h"

namespace ntemu::fs {

// A positive errno; 0 for success.
int errno_from_status(NTSTATUS status);

}  // namespace ntemu::fs
