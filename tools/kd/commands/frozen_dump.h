// Dumps of a machine that this program has stopped, in the very moment that its commands look at.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "tools/kd/failure.h"
#include "tools/kd/session.h"

namespace ntemu::debug {

// What was written: file, bytes, threads, outside. The selected thread is the dump's first.
Result<nlohmann::json> write_frozen_dump(Session &session, const std::filesystem::path &path);

}  // namespace ntemu::debug
