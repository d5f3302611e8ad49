// A look at the machine's threads and what they wait for, read from the kernel's own structures while they run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ntemu/ke/thread.h"

namespace ntemu::machine {

struct WaitedObject {
  ULONG_PTR address;
  std::string type;        // "Mutant", "SynchronizationEvent"...
  ULONG_PTR owner = 0;     // ETHREAD, 0 if nobody or unknown
  ULONG_PTR owner_id = 0;  // its thread id
  // Of a fast mutex, whose event is what is waited on.
  bool fast_mutex = false;
  LONG count = 0;
  ULONG contention = 0;
};

struct ThreadView {
  ULONG_PTR id;
  ULONG_PTR address;  // ETHREAD
  std::string start;  // "TestDriver!FileMoveThread"
  std::string state;
  bool kernel;  // one of the kernel's or the host's own
  bool waiting;
  std::string wait_reason;
  base::Nt100ns waited;                    // how long the wait has lasted
  std::optional<base::Nt100ns> remaining;  // until its time limit
  std::optional<WaitedObject> object;
  const void *wait_site = nullptr;  // where the driver called for the wait; null when it cannot be told
  ULONG context_switches;
};

std::vector<ThreadView> threads();
std::string to_json(const std::vector<ThreadView> &threads);
// One line per thread for people: what it waits for, and who owns that.
std::string describe(const ThreadView &thread);

const char *wait_reason_name(UCHAR reason);

}  // namespace ntemu::machine
