// Parts that several inspection commands show of threads.
#pragma once

#include "tools/kd/commands.h"
#include "tools/kd/commands/facts.h"

namespace ntemu::debug {

// Tells it and returns false, as handlers do.
// The frames of `calls`, as !mex.t has them.
void show_calls(const Calls &calls, Output &output);
// The frames of `calls`, as !us has them.
void show_call_sites(const Calls &calls, Output &output);
// Everything that !mex.t tells of a thread.
void show_thread(Facts &facts, const Thread &thread, Output &output);

// The same as WinDbg's !thread and !process have it.
void show_windbg_thread(Facts &facts, const Thread &thread, bool stack, Output &output);

struct ThreadTable {
  bool pid = true, waiting_on = true;
};
// The rows of !WrFastMutex and of !mex.obj -waiters.
void show_waiting_threads(Facts &facts, const std::vector<Thread> &threads, const ThreadTable &shape, Output &output);

// A hexadecimal address and a number, for JSON beside what a cell shows.
Cell address_cell(Address address);
Cell duration_cell(int64_t time);

// Threads whose list leads astray are told once.
void tell_problems(const std::vector<std::string> &problems, Output &output);

}  // namespace ntemu::debug
