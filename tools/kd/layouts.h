// Where public structures have what kd reads without debug information; the offsets of Windows 11 x64. The kernel's
// source checks the same ones.
#pragma once

#include <cstdint>

namespace ntemu::debug::layout {

inline constexpr uint64_t kThreadStackLimit = 0x30, kThreadStackBase = 0x38, kThreadContextSwitches = 0x154,
                          kThreadState = 0x184, kThreadProcess = 0x220, kThreadWaitReason = 0x283,
                          kThreadStartAddress = 0x4a0, kThreadClientId = 0x4c8;
inline constexpr uint64_t kProcessId = 0x440, kProcessImageName = 0x5a8, kProcessImageNameSize = 15;
inline constexpr uint64_t kModuleBase = 0x30, kModuleSize = 0x40, kModuleFullName = 0x48, kModuleBaseName = 0x58;

}  // namespace ntemu::debug::layout
