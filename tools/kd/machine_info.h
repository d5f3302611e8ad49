// What a target is: its kernel's version, when it was looked at, how long it had run, what stopped it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct BugCheck {
  uint64_t code = 0;
  uint64_t parameters[4] = {};
};

struct MachineInfo {
  std::vector<Address> processors;  // what KiProcessorBlock points to
  std::optional<int64_t> time;      // since 1601, UTC
  std::optional<int64_t> uptime;
  std::optional<BugCheck> bugcheck;  // nothing: it runs
};

// Now, in 100 ns units since 1601, UTC.
int64_t machine_time();

MachineInfo machine_info(Session &session);
// "Windows 10 Kernel Version 22621 MP (2 procs) Free x64".
std::string version_line(const MachineInfo &info);
// "Product: WinNt, suite: TerminalServer SingleUserTS": what RtlGetVersion tells drivers.
std::string product_line();
// "Kernel base = 0x... PsLoadedModuleList = 0x...".
std::string base_line(Session &session);

}  // namespace ntemu::debug
