// Memory descriptor lists for the I/O manager's own use.
#pragma once

#include "ntifs.h"

namespace ntemu::mm {

// MmProbeAndLockPages without the exception: STATUS_ACCESS_VIOLATION when a page is not there.
NTSTATUS lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation);
void unlock_pages(PMDL mdl);

}  // namespace ntemu::mm
