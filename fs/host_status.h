// What a Linux error means to an NT caller.
#pragma once

#include "ntifs.h"

namespace ntemu::fs {

NTSTATUS status_from_errno(int error);

}  // namespace ntemu::fs
