// An object as MEX's ddt shows it.
#pragma once

#include <optional>
#include <string_view>

#include "tools/kd/commands/facts.h"

namespace ntemu::debug {

// "dt nt!_KMUTANT ffff... () Recursive: ...", a rule, and the members; without an object their types. `depth`: how many
// levels of structures inside it are shown, too. False when there is no such type.
bool show_type(Facts &facts, std::string_view type, std::optional<Address> object, unsigned depth, Output &output);

}  // namespace ntemu::debug
