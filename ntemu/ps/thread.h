// Threads below the API.
#pragma once

#include "ntemu/base/result.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// Starts a system thread; the result carries a reference. It may still be running its first instructions.
Result<ETHREAD *> create_thread(PKSTART_ROUTINE routine, void *context);
// The same in steps. A thread that others can find, and that does not run yet; carries a reference. nullptr: no memory.
ETHREAD *make_thread(PKSTART_ROUTINE routine, void *context);
// Takes a thread that is not to run out of the list.
void discard(ETHREAD &thread);
// Tells who asked for it, and lets the thread run. False: that is not possible, and the thread is discarded.
bool launch(ETHREAD &thread);
// Drivers rely on threads starting in the order of their creation, so the creator waits for a sign of progress. A
// thread that only computes is let go after 1 ms of its own processor time.
void await_first_progress(ETHREAD &thread);
// Takes the ETHREAD of the calling host thread back; it is adopted anew at its next call.
void release_host_thread();

}  // namespace ntemu::ps
