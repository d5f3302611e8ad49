// The file of an image, with its symbols, lines and types, from the file itself or from a file of debug information.
// Its addresses are those that the file says, wherever the image is loaded.
#pragma once

#include <elfutils/libdw.h>
#include <libelf.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/kd/failure.h"

namespace ntemu::debug {

struct SourceLine {
  std::string file;
  int line = 0;
};

struct FileSymbol {
  uint64_t address, size;
  const char *linker_name;
  bool function;

  // Without scopes, parameters, and the compiler's suffixes: as users know the names that stacks show.
  std::string name() const;
};

// An open ELF file.
class ElfFile {
 public:
  static Result<std::unique_ptr<ElfFile>> open(const std::filesystem::path &path);
  ~ElfFile();
  ElfFile(const ElfFile &) = delete;
  ElfFile &operator=(const ElfFile &) = delete;

  Elf *elf() const { return elf_; }
  std::string build_id() const;
  bool has_section(std::string_view name) const;

 private:
  ElfFile() = default;
  int descriptor_ = -1;
  Elf *elf_ = nullptr;
};

class ImageFile {
 public:
  // `build_id`: what the image in memory has; a file with another one is refused.
  static Result<std::unique_ptr<ImageFile>> open(const std::filesystem::path &path, const std::string &build_id);
  ~ImageFile();
  ImageFile(const ImageFile &) = delete;
  ImageFile &operator=(const ImageFile &) = delete;

  // By address.
  const std::vector<FileSymbol> &symbols();
  // The one that covers `address`; null when there is none.
  const FileSymbol *symbol_at(uint64_t address);
  const FileSymbol *symbol_named(std::string_view name);
  std::optional<SourceLine> line_at(uint64_t address);
  // The entry of the function whose code has `address`.
  bool function_at(uint64_t address, Dwarf_Die &function);
  bool has_debug_information() const;
  // Null without debug information.
  Dwarf *dwarf();

 private:
  struct UnitRange {
    uint64_t start, end;
    Dwarf_Off unit;
  };

  ImageFile() = default;
  void add_symbols(Elf *elf, unsigned section_type);
  void read_unit_ranges();
  bool unit_at(uint64_t address, Dwarf_Die &unit);
  std::optional<SourceLine> find_line(uint64_t address);

  std::unique_ptr<ElfFile> file_;
  std::unique_ptr<ElfFile> debug_file_;  // null: the file itself has what there is
  Dwarf *dwarf_ = nullptr;
  bool dwarf_known_ = false;
  bool symbols_known_ = false, names_known_ = false, ranges_known_ = false;
  std::vector<FileSymbol> symbols_;
  std::unordered_map<std::string, size_t> by_name_;
  std::vector<UnitRange> ranges_;  // by start
  std::unordered_map<uint64_t, std::optional<SourceLine>> lines_;
};

}  // namespace ntemu::debug
