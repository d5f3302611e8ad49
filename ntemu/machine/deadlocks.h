// What a machine tells of deadlocks over its control socket.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace ntemu::machine {

// {"ok", "cycles": [{"threads": [..], "text": [lines]}], "inversions": the same and "by_class", "dot", "counts": {..}}:
// the cycles that there are now, and the orders of locks that contradicted another since the boot.
nlohmann::json deadlocks();

}  // namespace ntemu::machine
