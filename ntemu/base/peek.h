// A look at what others may be changing, as a debugger takes it: no lock, so no data race of ours to report.
#pragma once

#include <sys/uio.h>
#include <unistd.h>

#include <type_traits>

namespace ntemu::base {

template <class T>
__attribute__((no_sanitize("thread"), noinline)) std::remove_volatile_t<T> peek(const T *field) {
  return *const_cast<const volatile T *>(field);
}

// A copy of memory of this process that may be gone; false when it is. Takes no lock.
template <class T>
bool read_memory(const void *from, T &copy) {
  const iovec to{&copy, sizeof(T)}, what{const_cast<void *>(from), sizeof(T)};
  return process_vm_readv(getpid(), &to, 1, &what, 1, 0) == static_cast<ssize_t>(sizeof(T));
}

}  // namespace ntemu::base
