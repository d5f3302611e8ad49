// The end of a machine in a bugcheck: the report, the drivers' callbacks, the dump, the record for the next boot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ntemu/ke/bugcheck.h"

namespace ntemu::machine {

// Bugchecks end the process from now on. What is to be kept of one goes below `directory`; "": nothing is.
void end_in_bugchecks(const std::filesystem::path &directory);

// The stop screen, a line each: code and name, the four parameters and what they are, the driver's line at fault, what
// it means and what to look at, the locks that the thread holds, its stack.
std::vector<std::string> describe_stop(const ke::Stop &stop);
// The driver's line at fault, "TestDriver!FileMove+0x38 (race.c:53)"; "" when no driver's code is on the stack.
std::string describe_fault_site(const ke::Stop &stop);
// "0x000000D1 (0x0000000000000010, ...) DRIVER_IRQL_NOT_LESS_OR_EQUAL"
std::string describe_check(const ke::Bugcheck &check);

}  // namespace ntemu::machine
