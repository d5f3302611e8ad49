// Turns the linker's messages into a list of the APIs that a driver uses and ntemu lacks.
#pragma once

#include <map>
#include <string>

namespace ntemu::ntcc {

// Temporary objects, whose names mean nothing to the user, and what they were compiled from.
using ObjectSources = std::map<std::string, std::string>;

// What to print in the place of `messages`: one compiler-style line per call site, then what the linker said besides.
std::string explain_link(const std::string &messages, const std::string &image_name, const ObjectSources &sources);

}  // namespace ntemu::ntcc
