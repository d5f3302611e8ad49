// Faults of driver code.
#pragma once

namespace ntemu::machine {

// What a sanitizer finds: reported by it, and the end of the process; or a bugcheck, with its text in the log or where
// the sanitizer writes it.
enum class SanitizerReports { kAsTheyAre, kStop, kStopAndLog };

// From now on a SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP is reported with where it happened and ends the machine as a
// bugcheck. Under a sanitizer whose reports stay as they are faults are its reports, too: only what its end would leave
// behind is seen to.
void report_faults(SanitizerReports reports = SanitizerReports::kAsTheyAre);

}  // namespace ntemu::machine
