// What a system thread does before it ends.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// In the words of reports: "fast mutex".
const char *name_of(ke::LockKind kind);

// Checks that the calling thread may end, marks it as terminating, and tells the drivers that asked for it.
void prepare_exit(ETHREAD &thread);
void set_exit_status(ETHREAD &thread, NTSTATUS status);

// Set by vf: looks at what the calling thread, which is about to end, still holds.
extern void (*thread_ends)(ETHREAD &thread);
// Set by io. The requests that the calling thread has sent and that are still under way are cancelled, and waited for.
extern void (*cancel_thread_io)(ETHREAD &thread);
// The same requests do not concern the thread any more: it may go.
extern void (*disown_thread_io)(ETHREAD &thread);

}  // namespace ntemu::ps
