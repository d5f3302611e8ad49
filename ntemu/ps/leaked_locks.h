// The locks that Windows misses only when a thread's object goes: push locks and resources.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// Of a thread that has ended, before its object goes: bugcheck 0x153 or 0x13C for what it still holds.
void check_leaked_locks(ETHREAD &thread);
// A line for each lock that the thread holds, with its acquire site.
void report_held_locks(const ETHREAD &thread);

}  // namespace ntemu::ps
