// Whether the drivers' threads have come to rest, and waits until something about them holds.
#pragma once

#include <atomic>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

Rest look_for_rest();

// Until `done` holds (true), or `limit` has passed or `stop` became true (false). `done` is asked whenever a thread has
// come to rest; who sets `stop` calls ke::note_rest.
bool wait_until(const std::function<bool()> &done, std::optional<std::chrono::nanoseconds> limit,
                const std::atomic<bool> &stop);

}  // namespace ntemu::machine
