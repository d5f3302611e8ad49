// Where the kernel's own image lies, by the linker's symbols.
#pragma once

extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
}

namespace ntemu::api {

inline bool is_kernel_code(const void *address) { return address >= __ehdr_start && address < _end; }

}  // namespace ntemu::api
