// Deadlocks: threads that wait for each other. Found at the moment at which the last of them begins to wait, whether
// its driver is verified or not.
#pragma once

#include <string>
#include <vector>

#include "ntemu/ke/thread.h"

namespace ntemu::vf {

// A thread of a cycle: it has what the thread before it waits for, and waits for what the next one has. After the last
// comes the first.
struct CycleThread {
  const void *thread;  // ETHREAD
  ULONG_PTR id;
  const void *start;  // its start routine
  uint32_t wait;      // ETHREAD.wanted.number
  struct {
    const void *lock;
    const void *site;  // where it was acquired; null when that is not known
  } has;
  struct {
    const void *lock;
    const char *type;  // as the verifier calls it: "FastMutex"; "Thread" for one that is to end
    const void *site;  // the driver's call
  } wants;
  std::vector<const void *> has_stack{}, wants_stack{};  // of an order that was seen: the drivers' frames
};
using Cycle = std::vector<CycleThread>;

// The type of an event. A thread has it if it set it before; that nobody else will is not certain.
inline constexpr const char *kEventType = "Event";
bool is_certain(const Cycle &cycle);

// Looks for cycles from now on, and forgets those that were seen.
void boot_deadlocks();

// The cycles that there are now.
std::vector<Cycle> wait_cycles();
// Those that were reported since the boot, oldest first: at most the last 64.
std::vector<Cycle> reported_cycles();

// In the debugger's words, a line each.
std::vector<std::string> describe(const Cycle &cycle);
// A graph for Graphviz, of threads and the locks between them.
std::string to_dot(const std::vector<Cycle> &cycles);

// "driver!Routine+0x1c (file.c @ 12)"; set by the machine, which knows the lines.
extern std::string (*describe_site)(const void *address);

}  // namespace ntemu::vf
