// Faults of driver code.
#pragma once

namespace ntemu::machine {

// From now on a SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP is reported with where it happened and ends the machine as a
// bugcheck. Does nothing under a sanitizer, which reports faults better.
void report_faults();

}  // namespace ntemu::machine
