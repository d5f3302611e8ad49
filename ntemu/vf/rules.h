// DDI compliance rules by the first parameter of their bugcheck. Source: Microsoft's pages of the rules for WDM
// drivers.
#pragma once

#include "ntifs.h"

namespace ntemu::vf {

inline constexpr ULONG kRuleIrqlReturn = 0x2001D;
inline constexpr ULONG kRuleCriticalRegions = 0x40003;
inline constexpr ULONG kRuleQueuedSpinLock = 0x40006;
inline constexpr ULONG kRuleQueuedSpinLockRelease = 0x40007;
inline constexpr ULONG kRuleSpinLock = 0x40009;
inline constexpr ULONG kRuleGuardedRegions = 0x4000E;

}  // namespace ntemu::vf
