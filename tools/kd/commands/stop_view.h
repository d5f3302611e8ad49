// What stopped a machine, and where it was then.
#pragma once

#include <optional>
#include <string>

#include "tools/kd/commands/facts.h"
#include "tools/kd/machine_info.h"

namespace ntemu::debug {

inline constexpr uint64_t kLiveDumpCode = 0x161;  // of a dump of a machine that ran on

// Where the machine stopped.
struct StopPlace {
  std::optional<Thread> thread;
  bool trapped = false;  // the registers are those of an exception
  Registers registers;
  Calls calls;                       // from there on
  const CallSite *driver = nullptr;  // the first frame of a driver
  Module *module = nullptr;          // that driver
  Address instruction = 0;           // in it
};

// Of the thread that a dump was made for, or of the one that is selected.
StopPlace stop_place(Facts &facts, const BugCheck &check);
// "D1 (FFFF8001ACDC6010, 2, 0, FFFFF805736312D0)"
std::string check_text(const BugCheck &check);

}  // namespace ntemu::debug
