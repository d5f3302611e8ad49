// Win32 error codes: what a service controller makes of a driver's NTSTATUS, and what processes exit with.
#pragma once

#include <cstdint>
#include <string_view>

#include "nt/basetsd.h"
#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

inline constexpr uint32_t kErrorMrMidNotFound = 317;  // for a status without a Win32 counterpart
inline constexpr uint32_t kErrorPossibleDeadlock = 1131;
inline constexpr uint32_t kErrorCancelled = 1223;

uint32_t win32_error(NTSTATUS status);
uint32_t win32_error(const Error &error);
// "" when the code is not one of those that drivers meet.
std::string_view win32_error_text(uint32_t error);
// The low byte of the error, 1 where that is 0; 0 for no error.
int exit_code(uint32_t error);

}  // namespace ntemu::machine
