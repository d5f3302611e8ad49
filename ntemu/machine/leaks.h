// What drivers and tests have not given back, in words.
#pragma once

#include <string>
#include <vector>

namespace ntemu::machine {

// One entry for each block of pool, object, handle and lock that was taken since vf::begin_watch and is still taken,
// with the line that took it. To be asked when nothing runs.
std::vector<std::string> describe_leaks();

}  // namespace ntemu::machine
