#pragma once

#include "ntemu/base/clock.h"
#include "ntemu/io/device.h"

namespace ntemu::io {

// The device goes, and its timer, if any, with it. At an IRQL below DISPATCH_LEVEL.
void delete_timer(PDEVICE_OBJECT device);

}  // namespace ntemu::io
