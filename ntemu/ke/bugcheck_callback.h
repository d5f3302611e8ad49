// The routines that drivers have registered for a bugcheck.
#pragma once

#include "ntifs.h"

namespace ntemu::ke {

struct CalledBack {
  const char *component;  // "" when the driver gave none
  const void *routine;
  KBUGCHECK_CALLBACK_REASON reason;  // KbCallbackInvalid: KeRegisterBugCheckCallback's
  ULONG added;                       // bytes for the dump
  bool returned;                     // false: it faulted, or was left because it took too long
};

// Once the machine is stopped: calls every routine, oldest first, and tells of each. One that does not return
// is the last of its list.
void run_bugcheck_callbacks(void (*tell)(const CalledBack &));
// On the thread that runs them, in a second bugcheck or in a signal's handler: does not return when a callback runs.
void leave_callback();

// Set by whoever ends the machine; in a second bugcheck on the thread that does: may go on with what is left to do
// instead of returning.
extern void (*go_on_ending)();

}  // namespace ntemu::ke
