// LIST_ENTRY lists. One that leads astray is followed from both ends up to there, which is told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/kd/memory.h"

namespace ntemu::debug {

// What a list has, and what was wrong with it, in words.
template <class T>
struct Walk {
  std::vector<T> found;
  std::vector<std::string> problems;
};

inline constexpr size_t kMostEntries = 1 << 17;

// The addresses of the entries, not of what they are in. `name` is what problems call the list.
Walk<Address> walk_list(Memory &memory, Address head, std::string_view name, size_t most = kMostEntries);

}  // namespace ntemu::debug
