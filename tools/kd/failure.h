// A value, or why there is none.
#pragma once

#include <string>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::debug {

struct Failure {
  std::string text;
};

template <class T>
using Result = Outcome<T, Failure>;

}  // namespace ntemu::debug
