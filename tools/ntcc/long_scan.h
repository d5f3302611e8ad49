// Finds what means something else in a source on Linux: plain `long`, 64 bits wide instead of 32, and words that only
// Windows' compilers know.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace ntemu::ntcc {

struct Place {
  int line = 0;
  int column = 0;
};

// Outside comments and literals; not `long long`, not `long double`. One place per line.
std::vector<Place> find_plain_long(std::string_view source);

// The first use of an identifier outside comments and literals.
std::optional<Place> find_word(std::string_view source, std::string_view word);

}  // namespace ntemu::ntcc
