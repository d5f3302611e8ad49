// Bounds-checked access to the bytes of an ELF file that may be damaged or hostile.
#pragma once

#include <elf.h>

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "ntemu/ldr/load_error.h"

namespace ntemu::ldr {

// Header and program headers of an x86-64 shared object, checked against the size of the file.
class ElfFile {
 public:
  // Throws LoadError when `bytes` are something else, or less than the headers promise.
  explicit ElfFile(std::span<const char> bytes);

  const std::vector<Elf64_Phdr> &segments() const { return segments_; }
  const Elf64_Phdr *segment(uint32_t type) const;
  // One past the last mapped address, rounded to pages.
  uint64_t image_size() const { return image_size_; }

  // The PT_LOAD segment that maps [address, address + size), file contents or not.
  const Elf64_Phdr *mapping(uint64_t address, uint64_t size) const;
  // The file's bytes for [address, address + size); throws when any are not in the file.
  std::span<const char> at(uint64_t address, uint64_t size, const char *what) const;
  template <class T>
  T read(uint64_t address, const char *what) const {
    T value;
    std::memcpy(&value, at(address, sizeof(T), what).data(), sizeof(T));
    return value;
  }

 private:
  void check_kind() const;
  void check_segments();

  std::span<const char> bytes_;
  Elf64_Ehdr header_ = {};
  std::vector<Elf64_Phdr> segments_;
  uint64_t image_size_ = 0;
};

[[noreturn]] void damaged(std::string_view what);

}  // namespace ntemu::ldr
