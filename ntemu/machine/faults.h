// Faults of driver code.
#pragma once

namespace ntemu::machine {

// From now on a SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP is reported with where it happened and ends the machine as a
// bugcheck. Under a sanitizer, which reports faults better, only what its end would leave behind is seen to.
void report_faults();

}  // namespace ntemu::machine
