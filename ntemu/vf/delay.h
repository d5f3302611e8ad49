// Synchronization delay fuzzing: verified drivers with the option sometimes stop for a moment before they synchronize.
#pragma once

#include <cstdint>

namespace ntemu::vf {

// What the delays follow from: threads of the same numbers that make the same calls are
// delayed at the same ones.
void set_delay_seed(uint64_t seed);
uint64_t delay_seed();
// How often a call was delayed since the machine booted.
uint64_t delays();

}  // namespace ntemu::vf
