// The Windows that drivers are told they run on.
#pragma once

#include "nt/basetsd.h"

namespace ntemu::rtl {

// Windows 11 22H2, whose layouts the kernel's structures have.
inline constexpr ULONG kMajorVersion = 10;
inline constexpr ULONG kMinorVersion = 0;
inline constexpr ULONG kBuildNumber = 22621;

}  // namespace ntemu::rtl
