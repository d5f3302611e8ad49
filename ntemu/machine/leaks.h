// What drivers and tests have not given back, in words.
#pragma once

#include <string>
#include <vector>

#include "ntemu/machine/source_line.h"

namespace ntemu::machine {

struct Leak {
  std::string text;  // "100 bytes of pool, tag 'Samp', at 0x7e9000004410: allocated"
  SourceLine taken;
};
// One entry for each block of pool, object, handle and lock that was taken since vf::begin_watch and is still taken.
// To be asked when nothing runs.
std::vector<Leak> find_leaks();

}  // namespace ntemu::machine
