// What a sanitizer reports, as a bugcheck: for machines that are asked for it, in a runtime that has a sanitizer.
#pragma once

namespace ntemu::machine {

// Whether this runtime has a sanitizer whose reports can become stops.
bool has_sanitizer();

// Before a sanitizer ends the process, `leave` is called, on the thread that it reports of.
void before_sanitizer_ends(void (*leave)());

// From now on a report is bugcheck 0x1F2 (address, bytes, instruction, kind; see docs/bugchecks.md). `keep_text`: what
// the sanitizer writes goes to the machine's log, as there is nobody to read standard error.
void stop_on_sanitizer_reports(bool keep_text);

}  // namespace ntemu::machine
