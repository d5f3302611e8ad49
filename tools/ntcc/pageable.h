// Pageable code: #pragma alloc_text(PAGE, f), which no compiler here knows, and the place of such code in an image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/ntcc/process.h"

namespace ntemu::ntcc {

struct PlacedFunction {
  std::string function;
  std::string section;
};

// What the pragmas of a preprocessed source put into sections whose name begins with PAGE.
std::vector<PlacedFunction> find_pageable(std::string_view preprocessed);
// What an object has to be compiled with for place_pageable: a section for each function, and no function inlined that
// does not say so, as it would then lie in the section of its caller.
Arguments pageable_flags(bool is_clang);
// Moves the functions to their sections; the exit code of what does it.
int place_pageable(const std::string &object, const std::vector<PlacedFunction> &functions);

bool has_pageable_code(const std::string &object);
// A script for the linker: pageable code on pages of its own, between the symbols that the runtime looks for.
extern const char *const kPageableScript;

}  // namespace ntemu::ntcc
