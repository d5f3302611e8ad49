// The calling thread's ETHREAD: the one thread-local of the kernel.
#pragma once

#include "nt/basetsd.h"

struct _ETHREAD;

namespace ntemu::base {

// initial-exec: a single load through fs, since libntoskrnl.so is always there from the program's start. constinit: no
// look whether it has to be initialized first.
extern constinit thread_local _ETHREAD *current_thread_slot __attribute__((tls_model("initial-exec")));

// Makes an ETHREAD for a host thread that enters the kernel for the first time; set by ps.
extern _ETHREAD *(*adopt_thread)();

inline _ETHREAD *current_thread() {
  _ETHREAD *thread = current_thread_slot;
  return thread ? thread : adopt_thread();
}

}  // namespace ntemu::base
