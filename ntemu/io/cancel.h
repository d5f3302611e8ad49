#pragma once

#include "ntifs.h"

namespace ntemu::io {

// Returns when no thread is any more between taking a cancel routine from an IRP and the routine's own release of the
// cancel spin lock.
void await_cancelers();

}  // namespace ntemu::io
