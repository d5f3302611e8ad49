// Names of C++ functions as stacks show them.
#pragma once

#include <string>
#include <string_view>

namespace ntemu::base {

// "bugcheck" of "ntemu::ke::bugcheck(...)": up to the parameters, and from the last scope that is not part of a
// template's arguments on.
inline std::string without_scopes(std::string all) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t at; (at = all.find(kAnonymous)) != all.npos;) all.erase(at, kAnonymous.size());
  size_t begin = 0, end = 0;
  for (int depth = 0; end < all.size() && (depth > 0 || all[end] != '('); ++end) {
    if (all[end] == '<') ++depth;
    if (all[end] == '>') --depth;
    if (depth == 0 && (all[end] == ':' || all[end] == ' ')) begin = end + 1;
  }
  return all.substr(begin, end - begin);
}

}  // namespace ntemu::base
