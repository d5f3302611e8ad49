// Drivers' routines, called with a look at what they leave changed.
#pragma once

namespace ntemu::vf {

// From now on the I/O manager calls the dispatch and completion routines of verified images so.
void watch_routines();
void stop_watching_routines();

}  // namespace ntemu::vf
