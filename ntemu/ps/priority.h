// Priorities and processor time of threads. The host decides who runs: a priority becomes a nice value of the thread.
#pragma once

#include "ntemu/ke/ke.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ps {

inline constexpr CHAR kBasePriority = 8;   // of the System process
inline constexpr ULONG kPagePriority = 5;  // MEMORY_PRIORITY_NORMAL, which nothing changes

// Whether the host lets this process raise priorities. Else they are recorded alone: what it lowered it could not undo.
bool host_takes_priorities();

KPRIORITY set_priority(KTHREAD &thread, KPRIORITY priority);
// Relative to the process, within its class; 16 or more either way goes to the end of the class and stays there. The
// increment before.
LONG set_base_priority(KTHREAD &thread, LONG increment);

base::Nt100ns processor_time(const ETHREAD &thread);
// The last thing that is measured: the calling thread ends.
void record_processor_time(ETHREAD &thread);

}  // namespace ntemu::ps
