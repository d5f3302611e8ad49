// Marks what is no block of anybody's for AddressSanitizer: that of this runtime, or, in a plain runtime, that of the
// program it runs in (a fuzzer's).
#pragma once

#include <cstddef>

#include "ntemu/base/sanitizers.h"

#ifdef NTEMU_ASAN
#include <sanitizer/asan_interface.h>

namespace ntemu::ex {
inline bool poisons() { return true; }
}  // namespace ntemu::ex
#else
extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(void const volatile *address, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(void const volatile *address, size_t bytes);
}

namespace ntemu::ex {
inline bool poisons() { return __asan_poison_memory_region != nullptr; }
}  // namespace ntemu::ex
#endif

namespace ntemu::ex {

inline void poison(const void *address, size_t bytes) {
  if (poisons()) [[unlikely]]
    __asan_poison_memory_region(address, bytes);
}
inline void unpoison(const void *address, size_t bytes) {
  if (poisons()) [[unlikely]]
    __asan_unpoison_memory_region(address, bytes);
}

// Bytes behind a block that belong to nobody, so that a write beyond it does not meet the next one's header.
inline size_t red_zone() { return poisons() ? 16 : 0; }

}  // namespace ntemu::ex
