// Turns the linker's messages into a list of the APIs that a driver uses and ntemu lacks.
#pragma once

#include <string>

namespace ntemu::ntcc {

// What to print in the place of `messages`: one compiler-style line per call site, then what the linker said besides.
// Objects below `temporary_directory` are not shown: their names mean nothing to the user.
std::string explain_link(const std::string &messages, const std::string &image_name, const std::string &temporary_directory);

}  // namespace ntemu::ntcc
