// A machine that lives beyond the command that booted it: from boot to its end, in the supervisor's child.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace ntemu::machine {

struct DaemonOptions {
  std::filesystem::path directory;  // absolute
  int lock;                         // of the directory; the machine's from now on
  bool print = false;               // DbgPrint lines to standard output
  bool allow_other = false;         // other users may use the mount
  unsigned cpus = 2;                // virtual processors
  bool sanitizer_stops = false;     // what a sanitizer reports ends the machine as a bugcheck
  // Called once, when the machine is ready ({"ok":true,"pid":N}) or cannot be booted (a refusal as of control.h).
  std::function<void(const nlohmann::json &outcome)> report;
};

// Runs the machine until it is told to end, by a client or a signal; its exit code. SIGTERM, SIGINT and SIGHUP have to
// be blocked.
int run_machine(const DaemonOptions &options);

}  // namespace ntemu::machine
