// Asynchronous procedure calls: queued to a thread, which takes them when its IRQL and its regions let it.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// With the dispatcher lock held: whether the thread, running or waiting, may take its first kernel APC.
bool kernel_apc_deliverable(const ETHREAD &thread);

// Runs what the calling thread may take; at an IRQL below APC_LEVEL.
void deliver_apcs(ETHREAD &thread);
// After whatever may have allowed APCs: a lower IRQL, the end of a region, a mutex given up.
inline void check_apcs(ETHREAD &thread) {
  if (thread.apc_due.load(std::memory_order_relaxed) && thread.irql < APC_LEVEL) [[unlikely]]
    deliver_apcs(thread);
}

// The thread ends: it takes no more APCs; those that are left get their rundown routine.
void run_down_apcs(ETHREAD &thread);

}  // namespace ntemu::ke
