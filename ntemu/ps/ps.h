// Threads and the System process, as the machine and the inspector see them.
#pragma once

#include <atomic>
#include <functional>

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

inline constexpr size_t kDefaultStackBytes = 256 << 10;

void boot();
// Whether an address lies in a driver's image; set by the machine, which knows the loader.
extern std::atomic<bool (*)(const void *address)> is_driver_code;
// Lets every NT thread that waits leave; running ones leave at their next API call. False when some were still running
// after `patience` of host time: their stacks and images must stay mapped, and nothing may be torn down.
bool stop_threads(base::Nt100ns patience);
// After stop_threads and when no handle is left.
void teardown();

// Visits the threads of the System process, newest last. The thread list is locked: do not block.
void for_each_thread(const std::function<void(ETHREAD &)> &visit);
// Runs with the thread list locked, for those that look at several threads at one moment: do not block.
void with_threads(const std::function<void(LIST_ENTRY &head)> &body);
// Threads whose start address lies in [base, base + size) and that have not ended.
size_t count_threads(const void *base, size_t size);

}  // namespace ntemu::ps
