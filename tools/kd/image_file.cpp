#include "tools/kd/image_file.h"

#include <dwarf.h>
#include <fmt/format.h>

#include <algorithm>

namespace ntemu::debug {
namespace {

namespace stdfs = std::filesystem;

constexpr const char *kDebugInfo = ".debug_info";

// Debug information that a distribution keeps apart.
std::unique_ptr<ElfFile> find_debug_file(const std::string &build_id) {
  if (build_id.size() < 3) return nullptr;
  auto file =
      ElfFile::open(fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", build_id.substr(0, 2), build_id.substr(2)));
  return file && (*file)->build_id() == build_id ? std::move(*file) : nullptr;
}

}  // namespace

Result<std::unique_ptr<ImageFile>> ImageFile::open(const stdfs::path &path, const std::string &build_id) {
  auto file = ElfFile::open(path);
  if (!file) return file.error();
  if ((*file)->build_id() != build_id)
    return Failure{fmt::format("{} is not what is loaded: its build id is another one", path.string())};
  std::unique_ptr<ImageFile> image(new ImageFile);
  image->file_ = std::move(*file);
  if (!image->file_->has_section(kDebugInfo)) image->debug_file_ = find_debug_file(build_id);
  return image;
}

ImageFile::~ImageFile() {
  if (dwarf_) dwarf_end(dwarf_);
}

void ImageFile::add_symbols(Elf *elf, unsigned section_type) {
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf, section));) {
    const Elf64_Shdr *header = elf64_getshdr(section);
    if (!header || header->sh_type != section_type) continue;
    const Elf_Data *data = elf_getdata(section, nullptr);
    if (!data || !data->d_buf) continue;
    const auto *symbols = static_cast<const Elf64_Sym *>(data->d_buf);
    for (size_t i = 0; i < data->d_size / sizeof *symbols; ++i) {
      const Elf64_Sym &symbol = symbols[i];
      const auto type = ELF64_ST_TYPE(symbol.st_info);
      const bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
      if (symbol.st_shndx == SHN_UNDEF || (!function && type != STT_OBJECT)) continue;
      const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
      if (name && *name) symbols_.push_back({symbol.st_value, symbol.st_size, name, function});
    }
  }
}

const std::vector<FileSymbol> &ImageFile::symbols() {
  if (symbols_known_) return symbols_;
  symbols_known_ = true;
  add_symbols(file_->elf(), SHT_SYMTAB);
  if (symbols_.empty() && debug_file_) add_symbols(debug_file_->elf(), SHT_SYMTAB);
  if (symbols_.empty()) add_symbols(file_->elf(), SHT_DYNSYM);
  std::stable_sort(symbols_.begin(), symbols_.end(),
                   [](const FileSymbol &a, const FileSymbol &b) { return a.address < b.address; });
  return symbols_;
}

const FileSymbol *ImageFile::symbol_at(uint64_t address) {
  const auto &all = symbols();
  auto after = std::upper_bound(all.begin(), all.end(), address,
                                [](uint64_t value, const FileSymbol &symbol) { return value < symbol.address; });
  // Of several names for one place, the first; a symbol in the midst of another one is looked past.
  constexpr int kMostNested = 8;
  const FileSymbol *found = nullptr;
  for (int i = 0; i < kMostNested && after != all.begin(); ++i) {
    --after;
    if (found && after->address != found->address) break;
    if (address - after->address < std::max<uint64_t>(after->size, 1)) found = &*after;
  }
  return found;
}

const FileSymbol *ImageFile::symbol_named(std::string_view name) {
  if (!names_known_) {
    names_known_ = true;
    const auto &all = symbols();
    // Names that the linker knows come before those without their scopes.
    for (size_t i = 0; i < all.size(); ++i) by_name_.try_emplace(all[i].linker_name, i);
    for (size_t i = 0; i < all.size(); ++i) by_name_.try_emplace(all[i].name(), i);
  }
  const auto at = by_name_.find(std::string(name));
  return at == by_name_.end() ? nullptr : &symbols_[at->second];
}

bool ImageFile::has_debug_information() const { return (debug_file_ ? *debug_file_ : *file_).has_section(kDebugInfo); }

Dwarf *ImageFile::dwarf() {
  if (dwarf_known_) return dwarf_;
  dwarf_known_ = true;
  const ElfFile &source = debug_file_ ? *debug_file_ : *file_;
  if (has_debug_information()) dwarf_ = dwarf_begin_elf(source.elf(), DWARF_C_READ, nullptr);
  return dwarf_;
}

// Unit by unit: clang writes no table of which unit an address belongs to.
void ImageFile::read_unit_ranges() {
  ranges_known_ = true;
  Dwarf *debug = dwarf();
  Dwarf_CU *unit = nullptr;
  Dwarf_Die die;
  while (debug && dwarf_get_units(debug, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    Dwarf_Addr base = 0, start = 0, end = 0;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;)
      ranges_.push_back({start, end, dwarf_dieoffset(&die)});
  }
  std::sort(ranges_.begin(), ranges_.end(), [](const auto &a, const auto &b) { return a.start < b.start; });
}

bool ImageFile::unit_at(uint64_t address, Dwarf_Die &unit) {
  if (!ranges_known_) read_unit_ranges();
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                [](uint64_t value, const UnitRange &range) { return value < range.start; });
  return after != ranges_.begin() && address < (--after)->end && dwarf_offdie(dwarf_, after->unit, &unit);
}

bool ImageFile::function_at(uint64_t address, Dwarf_Die &function) {
  Dwarf_Die unit;
  if (!unit_at(address, unit) || dwarf_child(&unit, &function) != 0) return false;
  do {
    if (dwarf_tag(&function) == DW_TAG_subprogram && dwarf_haspc(&function, address) > 0) return true;
  } while (dwarf_siblingof(&function, &function) == 0);
  return false;
}

std::optional<SourceLine> ImageFile::find_line(uint64_t address) {
  Dwarf_Die unit;
  if (!unit_at(address, unit)) return std::nullopt;
  Dwarf_Line *line = dwarf_getsrc_die(&unit, address);
  const char *file = line ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
  SourceLine result;
  if (!file || dwarf_lineno(line, &result.line) != 0 || result.line == 0) return std::nullopt;
  Dwarf_Attribute attribute;
  const char *directory = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attribute));
  result.file = (stdfs::path(directory ? directory : "") / file).lexically_normal().string();
  return result;
}

std::optional<SourceLine> ImageFile::line_at(uint64_t address) {
  const auto [at, fresh] = lines_.try_emplace(address);
  if (fresh) at->second = find_line(address);
  return at->second;
}

}  // namespace ntemu::debug
