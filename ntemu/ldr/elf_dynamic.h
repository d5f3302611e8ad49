// What an image asks of the dynamic linker, checked so far that the dynamic linker can be let loose on it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ntemu/ldr/elf_file.h"

namespace ntemu::ldr {

struct DynamicFacts {
  std::vector<std::string> needed;  // libraries
  std::set<std::string> imports;    // symbols that have to be bound
  std::set<std::string> exports;
};

// Throws LoadError when a table, a symbol, a relocation or a version points out of the image.
DynamicFacts read_dynamic(const ElfFile &file);

}  // namespace ntemu::ldr
