// The system worker thread: runs what must not run on the caller's thread, such as DriverEntry.
#pragma once

struct _ETHREAD;

namespace ntemu::ex {

void boot_worker();

// Runs `routine` at PASSIVE_LEVEL on the worker and waits for its end.
void run_on_system_worker(void (*routine)(void *), void *context);
// Whether a routine runs or is about to.
bool worker_is_busy();
bool is_worker(const _ETHREAD &thread);

}  // namespace ntemu::ex
