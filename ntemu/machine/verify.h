// Driver Verifier on a machine: which of the loaded drivers are verified, by the registry's settings and by those that
// hold until the machine ends; and what its tool asks.
#pragma once

#include "ntemu/machine/control.h"
#include "ntifs.h"

namespace ntemu::ldr {
struct Image;
}

namespace ntemu::machine {

// A machine starts: nothing is volatile, nothing counted.
// Stacks that have failed are kept in `directory`; empty: for this machine alone.
void boot_verifier(const std::filesystem::path &directory);
// Right after the image is loaded, before its code runs.
void verify_at_load(const ldr::Image &image);
// When DriverUnload has returned: what would be left of the driver that the kernel still uses is a bugcheck.
void verify_at_end(const ldr::Image &image);
// Called by the loader before it unmaps an image.
void unverify_at_unload(const ldr::Image &image);

// verifier.settings, verifier.set {level, drivers, all, exclude, faults, seed}, verifier.reset, verifier.query,
// verifier.volatile {level, add, remove, faults}.
Operations verifier_operations();

}  // namespace ntemu::machine
