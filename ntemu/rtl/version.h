// The Windows that drivers are told they run on.
#pragma once

#include "nt/basetsd.h"

namespace ntemu::rtl {

// Windows 11 22H2, whose layouts the kernel's structures have.
inline constexpr ULONG kMajorVersion = 10;
inline constexpr ULONG kMinorVersion = 0;
inline constexpr ULONG kBuildNumber = 22621;
// VER_SUITE_TERMINAL is always set; with VER_SUITE_SINGLEUSERTS one user at a time is served.
inline constexpr USHORT kTerminalSuite = 0x10, kSingleUserSuite = 0x100;
inline constexpr USHORT kSuiteMask = kTerminalSuite | kSingleUserSuite;

}  // namespace ntemu::rtl
