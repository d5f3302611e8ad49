// Dumps of the machine, as the control socket and ntemu dump offer them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "ntemu/include/ntemu/machine.h"
#include "ntemu/kd/dump.h"

namespace ntemu::machine {

// "dump" {path, keep}: a live dump; the reply has what describe_dump tells. `path` is absolute.
nlohmann::json take_dump(const nlohmann::json &arguments);
// "dump.progress": {directory, done, total}, bytes of the dump that is being written, 0 when none is.
nlohmann::json dump_progress(const Machine &machine);

// What there is to say of a dump that was written: file, bytes, stored_bytes, threads, running, unreadable,
// pause_seconds.
nlohmann::json describe_dump(const kd::DumpResult &result, const std::filesystem::path &path);
Error dump_error(const kd::DumpResult &result);

}  // namespace ntemu::machine
