// What people know of bugchecks: names, what the four parameters are, what it means, and what to look at.
#pragma once

#include "ntifs.h"

namespace ntemu::ke {

struct StopCode {
  ULONG code;
  const char *name;           // as Microsoft's bug check reference has it
  const char *meaning;        // a sentence
  const char *parameters[4];  // nullptr: not used
  const char *advice;         // what to look at first
};

// UNKNOWN_BUGCHECK, with no parameters named, for a code that is not in the table.
const StopCode &stop_code(ULONG code);
inline const char *bugcheck_name(ULONG code) { return stop_code(code).name; }

}  // namespace ntemu::ke
