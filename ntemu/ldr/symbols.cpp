// Names for addresses, out of the images' symbol tables.
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

#include "ntemu/base/plain_name.h"
#include "ntemu/ldr/list.h"
#include "ntemu/ldr/unloaded.h"

namespace ntemu::ldr {
namespace {

void add_section(Elf *elf, Elf_Scn *section, const GElf_Shdr &header, std::vector<Symbol> &symbols) {
  Elf_Data *data = elf_getdata(section, nullptr);
  GElf_Sym symbol;
  for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
    const auto type = GELF_ST_TYPE(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_OBJECT && type != STT_GNU_IFUNC)) continue;
    const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (name && *name) symbols.push_back({symbol.st_value, symbol.st_size, name});
  }
}

// Of the full symbol table, or of the exported symbols in a stripped image.
std::vector<Symbol> read_symbols(const std::filesystem::path &path) {
  std::vector<Symbol> symbols;
  elf_version(EV_CURRENT);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return symbols;
  Elf *elf = elf_begin(file, ELF_C_READ, nullptr);
  for (const GElf_Word wanted : {GElf_Word{SHT_SYMTAB}, GElf_Word{SHT_DYNSYM}}) {
    for (Elf_Scn *section = nullptr; elf && (section = elf_nextscn(elf, section));) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) && header.sh_type == wanted) add_section(elf, section, header, symbols);
    }
    if (!symbols.empty()) break;
  }
  elf_end(elf);
  close(file);
  std::stable_sort(symbols.begin(), symbols.end(),
                   [](const Symbol &a, const Symbol &b) { return a.offset < b.offset; });
  return symbols;
}

}  // namespace

namespace {

// "bugcheck" of ntemu::ke::bugcheck(...): without the scopes, as users know the names that stacks show.
std::string plain(const std::string &name) {
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  char *text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (!text) return name;
  std::string all = text;
  std::free(text);
  return base::without_scopes(std::move(all));
}

}  // namespace

std::string symbolize(const void *address) {
  const base::Guard guard(list_lock);
  Image *image = find_in_list(address);
  if (!image) return describe_unloaded(address).value_or(fmt::format("{}", address));
  if (!image->symbols) image->symbols = std::make_unique<std::vector<Symbol>>(read_symbols(image->symbol_file()));
  const uint64_t offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(image->entry.DllBase);
  const auto after = std::upper_bound(image->symbols->begin(), image->symbols->end(), offset,
                                      [](uint64_t value, const Symbol &symbol) { return value < symbol.offset; });
  if (after != image->symbols->begin()) {
    const Symbol &symbol = *(after - 1);
    if (offset < symbol.offset + std::max<uint64_t>(symbol.size, 1))
      return fmt::format("{}!{}+{:#x}", image->name, plain(symbol.name), offset - symbol.offset);
  }
  return fmt::format("{}+{:#x}", image->name, offset);
}

}  // namespace ntemu::ldr
