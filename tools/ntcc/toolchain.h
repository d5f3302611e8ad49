// What ntcc works with: the compiler, the kernel headers and the runtime's libraries.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/ntcc/options.h"

namespace ntemu::ntcc {

struct Toolchain {
  std::string compiler;
  bool is_clang = false;
  std::string compiler_headers;          // stdarg.h, immintrin.h...
  std::string libgcc;                    // 128-bit division and the like
  std::filesystem::path kernel_headers;  // km
  std::filesystem::path runtime;         // libntoskrnl.so and libntdrvrt.a
};

// Throws UsageError when a part is missing.
Toolchain find_toolchain(const Options &options);

// The sanitizer libraries that the runtime itself is linked with, as its DT_NEEDED names.
std::vector<std::string> sanitizer_libraries(const std::filesystem::path &runtime);

}  // namespace ntemu::ntcc
