// Which images are verified, and how: Driver Verifier's options, in force from an image's load to its unload.
#pragma once

#include <cstddef>
#include <utility>

#include "ntifs.h"

namespace ntemu::vf {

// Source: the options of verifier.exe /flags.
enum Option : ULONG {
  kSpecialPool = 0x1,
  kForceIrql = 0x2,
  kLowResources = 0x4,
  kPoolTracking = 0x8,
  kIo = 0x10,
  kDeadlock = 0x20,
  kSecurity = 0x100,
  kMiscellaneous = 0x800,
  kDdiCompliance = 0x20000,
  kSystematicFaults = 0x40000,
  kDelayFuzzing = 0x800000,
};
inline constexpr ULONG kStandardOptions = 0x209BB;

// In force even for a driver that is verified with no option at all.
inline constexpr ULONG kAlways = 0x80000000;

// From now on the calls of the image are verified, with these options and kAlways. False: there are too many already.
bool verify_image(const void *base, size_t bytes, ULONG options);
void unverify_image(const void *base);
// Of an image that is verified: other options from now on.
void change_options(const void *base, ULONG options);
// For debuggers: where the images are, and how many there is room for.
std::pair<const void *, size_t> verified_images();
// The options in force for the code at `address`; 0 where nothing is verified.
ULONG options_at(const void *address);

// DRIVER_VERIFIER_DETECTED_VIOLATION (0xC4).
[[noreturn]] void violation(ULONG_PTR kind, ULONG_PTR p2 = 0, ULONG_PTR p3 = 0, ULONG_PTR p4 = 0);

}  // namespace ntemu::vf
