// Joins ended threads and frees what they leave: only then is nothing of them on their stacks.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

void start_reaper();
// A host thread is about to be started that will come to `reap`; or it could not be started.
void expect_thread();
void expect_none();
// The calling thread is about to be seen as ended.
void note_ending();
// Returns when the threads that have been seen as ended by now are joined and freed. (In a machine that ends: joined.)
void await_ended_threads();
// The last thing that a system thread does; takes over the running thread's own reference.
void reap(ETHREAD &thread);
// Returns when every thread that was expected has been joined.
void stop_reaper();

void free_stack(ETHREAD &thread);

}  // namespace ntemu::ps
