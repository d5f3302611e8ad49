// Where the parts of ntemu are: a build tree and an installation have the same layout around bin/.
#pragma once

#include <filesystem>
#include <string>

namespace ntemu::tool {

// What bin/ is in. Empty when the system does not say.
inline std::filesystem::path root_directory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path();
}

// The libraries of a variant of the runtime (plain, asan, tsan); where they should be when they are not there.
inline std::filesystem::path runtime_directory(const std::string &variant) {
  const std::filesystem::path root = root_directory();
  for (const char *libraries : {"lib/ntemu", "lib/x86_64-linux-gnu/ntemu", "lib64/ntemu"}) {
    std::error_code error;
    if (std::filesystem::exists(root / libraries / variant, error)) return root / libraries / variant;
  }
  return root / "lib/ntemu" / variant;
}

// Templates and examples.
inline std::filesystem::path data_directory() { return root_directory() / "share/ntemu"; }

}  // namespace ntemu::tool
