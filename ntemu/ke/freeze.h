// Stops the world for whoever wants to see all of it at one moment: threads that run are stopped by a signal, threads
// in KiSwapContext stay there until the thaw.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "nt/basetsd.h"

struct _ETHREAD;

namespace ntemu::ke {

// What stops a thread that runs. Threads that take no asynchronous signals let this one through.
inline int freeze_signal() { return SIGRTMAX - 2; }

// Odd while the world is frozen; each freeze has a value of its own.
extern std::atomic<uint32_t> world;

enum class Stopped : uint8_t {
  kSelf,       // who froze the world
  kByWaiting,  // in KiSwapContext
  kBySignal,
  kNot,   // it blocks the signal, or has not answered in time: it may still run
  kGone,  // it ended meanwhile
};

// A thread of the host, with or without an ETHREAD.
struct FrozenThread {
  pid_t id;
  Stopped stopped;
  bool has_registers;
  bool has_floating;
  std::atomic<uint32_t> answer;             // the freeze it is asked in, and how far it got
  const _ETHREAD *thread;                   // null when it has none, or that was not found
  uint64_t thread_pointer;                  // fs base; 0: unknown
  gregset_t registers;                      // by REG_...
  alignas(16) unsigned char floating[512];  // as FXSAVE stores it
};

struct FrozenWorld {
  FrozenThread *threads;  // the caller's first; valid until the next freeze
  size_t count;
  size_t running;  // of them kNot
};

// Stops every other thread of the process. `list` is the System process's thread list, or null, from which waiting
// threads are told; `self` are the caller's registers, which have to outlive whoever looks at its stack. Returns within
// two seconds, whatever the threads do: who did not stop is noted. False, and nothing is frozen, when another
// thread has frozen the world and does not thaw it in that time.
//
// May be called on any thread at any IRQL, also in a signal handler: no lock is taken and nothing allocated. Whatever
// is done until thaw_world must not need a lock that another thread may hold, the C library's included.
bool freeze_world(const LIST_ENTRY *list, const ucontext_t &self, FrozenWorld &frozen);
// By whoever froze it.
void thaw_world();

}  // namespace ntemu::ke
