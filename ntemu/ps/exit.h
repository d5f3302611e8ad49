// What a system thread does before it ends.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// In the words of reports: "fast mutex".
const char *name_of(ke::LockKind kind);

// Checks that the calling thread may end, marks it as terminating, and tells the drivers that asked for it.
void prepare_exit(ETHREAD &thread);
void set_exit_status(ETHREAD &thread, NTSTATUS status);

}  // namespace ntemu::ps
