// Driver Verifier's options by name, and how much of each there is here.
#pragma once

#include <span>
#include <string_view>

#include "ntifs.h"

namespace ntemu::vf {

// Source: verifier.exe /? and Microsoft's "Driver Verifier Command Syntax".
struct OptionRow {
  ULONG flag;
  unsigned rule_class;     // of verifier /rc
  bool standard;           // one of /standard
  std::string_view name;   // as verifier.exe prints it
  std::string_view lacks;  // "": all is checked; else what is not
};
// Standard options first, each group by flag.
std::span<const OptionRow> option_table();
// Without those that have no meaning here.
ULONG known_options();

}  // namespace ntemu::vf
