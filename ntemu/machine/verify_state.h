// What the verifier of this machine knows; for its own files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ntemu/base/lock.h"
#include "ntemu/vf/settings.h"

namespace ntemu::ldr {
struct Image;
}

namespace ntemu::machine {

// A driver that is verified, or was when it was loaded.
struct VerifiedDriver {
  std::u16string name;  // the image's
  const ldr::Image *image = nullptr;
  std::optional<ULONG> options = {};  // in force; none: loaded, and no longer verified
  ULONG loads = 0, unloads = 0;
};

struct VerifierState {
  base::Mutex mutex;
  std::filesystem::path stacks NTEMU_GUARDED_BY(mutex);  // the file of those that have failed
  // By /volatile.
  std::optional<ULONG> level NTEMU_GUARDED_BY(mutex);
  std::vector<std::u16string> added NTEMU_GUARDED_BY(mutex), removed NTEMU_GUARDED_BY(mutex);
  std::optional<vf::FaultSettings> faults NTEMU_GUARDED_BY(mutex);
  // What vf/injection.h was told last.
  std::optional<vf::FaultSettings> low_resources NTEMU_GUARDED_BY(mutex);
  bool systematic NTEMU_GUARDED_BY(mutex) = false;
  // Images that are loaded, and drivers that were verified.
  std::vector<const ldr::Image *> images NTEMU_GUARDED_BY(mutex);
  std::vector<VerifiedDriver> drivers NTEMU_GUARDED_BY(mutex);
};

VerifierState &verifier_state();
// Brings what is verified in line with the settings after a change of the volatile ones.
void apply_volatile(VerifierState &state) NTEMU_REQUIRES(state.mutex);
// The level that is in force for drivers that are verified.
std::optional<ULONG> active_level(VerifierState &state) NTEMU_REQUIRES(state.mutex);

}  // namespace ntemu::machine
