// How commands say that they failed.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::tool {

// Prints the error with its Win32 code and what that means; the exit code. With `json`, also {"error":..} to standard
// output, after what `row` has.
int fail(const Error &error);
int fail(const Error &error, bool json, nlohmann::json row);

}  // namespace ntemu::tool
