// A look at what others may be changing, as a debugger takes it: no lock, so no data race of ours to report.
#pragma once

#include <type_traits>

namespace ntemu::base {

template <class T>
__attribute__((no_sanitize("thread"), noinline)) std::remove_volatile_t<T> peek(const T *field) {
  return *const_cast<const volatile T *>(field);
}

}  // namespace ntemu::base
