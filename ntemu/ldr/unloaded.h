// Drivers that are gone: their addresses stay reserved for a while, so that whoever still uses one is told whose it
// was.
#pragma once

#include <optional>
#include <string>

#include "ntifs.h"

namespace ntemu::ldr {

struct Image;

// Source: the rows of MmUnloadedDrivers, as a debugger's `lm` shows them.
struct UNLOADED_DRIVERS {
  UNICODE_STRING Name;
  PVOID StartAddress;
  PVOID EndAddress;
  LARGE_INTEGER CurrentTime;
};

// Its threads would return into it: from now on whoever runs its code traps.
void forbid_code(const Image &image);
// The image has been unmapped; keeps others from its addresses. The oldest of more than 50 is forgotten.
void reserve_unloaded(std::u16string_view name, void *base, size_t bytes);
void forget_unloaded();

// Where a driver was, or in one whose code is forbidden. May be called in a signal handler.
bool is_unloaded(const void *address);
// "<Unloaded_TestDriver.sys>+0x113d"
std::optional<std::string> describe_unloaded(const void *address);

}  // namespace ntemu::ldr
