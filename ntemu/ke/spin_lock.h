// Spin locks for the kernel's own use on behalf of a driver: at DISPATCH_LEVEL or above, noted with the driver's call.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ke {

void lock_spin_lock(ETHREAD &thread, PKSPIN_LOCK lock, const void *site);
void unlock_spin_lock(ETHREAD &thread, PKSPIN_LOCK lock);

}  // namespace ntemu::ke
