// Finds plain `long` in a source: 64 bits wide on Linux, 32 on Windows.
#pragma once

#include <string_view>
#include <vector>

namespace ntemu::ntcc {

struct Place {
  int line = 0;
  int column = 0;
};

// Outside comments and literals; not `long long`, not `long double`. One place per line.
std::vector<Place> find_plain_long(std::string_view source);

}  // namespace ntemu::ntcc
