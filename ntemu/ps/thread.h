// Threads below the API.
#pragma once

#include "ntemu/base/result.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// Starts a system thread; the result carries a reference. It may still be running its first instructions.
Result<ETHREAD *> create_thread(PKSTART_ROUTINE routine, void *context);
// Takes the ETHREAD of the calling host thread back; it is adopted anew at its next call.
void release_host_thread();

}  // namespace ntemu::ps
