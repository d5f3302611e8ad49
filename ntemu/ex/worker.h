// The system worker threads: run what must not run on the caller's thread, such as DriverEntry, and drivers' work
// items.
#pragma once

#include "ntifs.h"

namespace ntemu::ex {

inline constexpr unsigned kMostWorkers = 16;

// Set by ps: makes a system thread at ExpWorkerThread; false when that is not possible.
extern bool (*create_worker)();
void boot_worker();

// Runs `routine` at PASSIVE_LEVEL on a worker and waits for its end. A routine that does not return keeps no other from
// running: there is a further worker for as long as there are fewer than kMostWorkers. Called on a worker, it runs
// there and then. False: the machine ended first, `routine` has not returned and never will. (System threads do not
// return from here then.)
bool run_on_system_worker(void (*routine)(void *), void *context);
// The same without waiting.
void queue_to_system_worker(void (*routine)(void *), void *context);

// Runs a routine as a worker does: what it leaves behind (a mutex, a raised IRQL, disabled APCs) ends the machine.
void run_work(PWORKER_THREAD_ROUTINE routine, PVOID parameter, const WORK_QUEUE_ITEM *item);
// 0 to 31, or -1 for a queue that does not exist.
int work_priority(WORK_QUEUE_TYPE type);
bool is_queued(const WORK_QUEUE_ITEM &item);

// Whether a routine runs or waits for a worker.
bool worker_is_busy();
// Whether a routine waits for a worker that is about to take it.
bool work_is_due();
bool is_worker(const _ETHREAD &thread);
// A worker that runs nothing.
bool is_idle_worker(const _ETHREAD &thread);

// The calling worker, if it is one, is about to end in the middle of its routine: who waits for that is told as by
// abandon_work, and another worker may take its place.
void leave_work();

// No system thread is left: ends the waits of host threads in run_on_system_worker, and there is no further work.
void abandon_work();

}  // namespace ntemu::ex
