// The options that make Linux compilers build a driver as the WDK does.
#pragma once

#include <string>

#include "tools/ntcc/toolchain.h"

namespace ntemu::ntcc {

Arguments compile_flags(const Options &options, const Toolchain &toolchain, bool is_cxx);
Arguments link_flags(const Options &options, const Toolchain &toolchain, const std::string &image_name);

}  // namespace ntemu::ntcc
