// Kernel queues: entries for threads, of which only so many run at a time.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// All with the dispatcher lock held. The thread, which asks for an entry, no longer counts as running for its queue:
// gives it one if there is one, and it may run on; `entry` then is its address.
bool try_dequeue(KQUEUE &queue, ETHREAD &thread, LONG_PTR &entry, WakeList &wakes);
// A thread of the queue blocks on something else, so that another may run; or runs again.
void note_blocking(KQUEUE &queue, WakeList &wakes);
void note_running(KQUEUE &queue);
// The thread ends.
void leave_queue(ETHREAD &thread);

}  // namespace ntemu::ke
