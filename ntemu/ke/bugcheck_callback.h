// The routines that drivers have registered for a bugcheck.
#pragma once

#include "ntifs.h"

namespace ntemu::ke {

struct CalledBack {
  const char *component;  // "" when the driver gave none
  const void *routine;
  KBUGCHECK_CALLBACK_REASON reason;  // KbCallbackInvalid: KeRegisterBugCheckCallback's
  ULONG added;                       // bytes for the dump
};

// Once the machine is stopped: calls every routine, oldest first, and tells of each. One that faults is the last.
void run_bugcheck_callbacks(void (*tell)(const CalledBack &));
// In a second bugcheck on the same thread: does not return when a callback runs.
void leave_faulted_callback();

}  // namespace ntemu::ke
