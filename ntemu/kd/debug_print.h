// The debug print stream.
#pragma once

#include <string_view>

namespace ntemu::kd {

// The log component under which drivers' text appears.
inline constexpr std::string_view kDebugPrint = "DbgPrint";

// Routes what the layers below report.
void boot();
// Logs a line that a driver began and never ended.
void flush_debug_print();

}  // namespace ntemu::kd
