#include "ntemu/ldr/elf_dynamic.h"

#include <array>
#include <optional>

namespace ntemu::ldr {
namespace {

class Dynamic {
 public:
  explicit Dynamic(const ElfFile &file) : file_(file) {}

  DynamicFacts read() {
    read_entries();
    strings_ = file_.at(need(DT_STRTAB, "string table"), value(DT_STRSZ), "string table");
    symbols_ = need(DT_SYMTAB, "symbol table");
    for (const uint64_t offset : needed_offsets_) facts_.needed.emplace_back(string(offset));
    read_versions();
    read_gnu_hash();
    read_hash();
    relocations(DT_RELA, DT_RELASZ);
    relocations(DT_JMPREL, DT_PLTRELSZ);
    check_code(DT_INIT);
    check_code(DT_FINI);
    // A pointer that no relocation fills in would be called as it stands in the file.
    if (called_.size() != value(DT_INIT_ARRAYSZ) / 8 + value(DT_FINI_ARRAYSZ) / 8)
      damaged("its initialisation lies outside its code");
    return std::move(facts_);
  }

 private:
  static constexpr size_t kTags = 64;

  bool has(uint64_t tag) const { return entries_[slot(tag)].has_value(); }
  uint64_t value(uint64_t tag) const { return entries_[slot(tag)].value_or(0); }

  // Ordinary tags have their number; the few others that matter share the rest of the array.
  static size_t slot(uint64_t tag) {
    switch (tag) {
      case DT_GNU_HASH:
        return kTags - 1;
      case DT_VERSYM:
        return kTags - 2;
      case DT_VERNEED:
        return kTags - 3;
      case DT_VERNEEDNUM:
        return kTags - 4;
      case DT_VERDEF:
        return kTags - 5;
      case DT_RELACOUNT:
        return kTags - 6;
      default:
        return tag < kTags - 8 ? tag : kTags - 7;
    }
  }

  uint64_t need(uint64_t tag, const char *what) const {
    if (!has(tag)) damaged(std::string("it has no ") + what);
    return value(tag);
  }

  void read_entries() {
    const Elf64_Phdr *segment = file_.segment(PT_DYNAMIC);
    if (!segment) damaged("it has no dynamic section");
    const Elf64_Phdr *mapping = file_.mapping(segment->p_vaddr, segment->p_memsz);
    if (!mapping || !(mapping->p_flags & PF_W)) damaged("its dynamic section is not in writable memory");
    for (uint64_t offset = 0;; offset += sizeof(Elf64_Dyn)) {
      if (offset + sizeof(Elf64_Dyn) > segment->p_memsz) damaged("its dynamic section has no end");
      const auto entry = file_.read<Elf64_Dyn>(segment->p_vaddr + offset, "dynamic section");
      if (entry.d_tag == DT_NULL) break;
      const auto tag = static_cast<uint64_t>(entry.d_tag);
      if (tag == DT_NEEDED)
        needed_offsets_.push_back(entry.d_un.d_val);
      else
        entries_[slot(tag)] = entry.d_un.d_val;
    }
    if (has(DT_REL) || has(DT_RELR)) damaged("it has relocations of a kind that ntcc does not make");
    if (has(DT_PLTREL) && value(DT_PLTREL) != DT_RELA) damaged("it has relocations of a kind that ntcc does not make");
    if ((has(DT_RELA) && value(DT_RELAENT) != sizeof(Elf64_Rela)) ||
        (has(DT_SYMENT) && value(DT_SYMENT) != sizeof(Elf64_Sym)))
      damaged("its tables have entries of the wrong size");
  }

  std::string_view string(uint64_t offset) const {
    if (offset >= strings_.size()) damaged("a name lies outside the string table");
    const std::string_view rest(strings_.data() + offset, strings_.size() - offset);
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) damaged("a name has no end");
    return rest.substr(0, end);
  }

  Elf64_Sym symbol(uint64_t index) const {
    if (index > UINT32_MAX) damaged("a symbol number is too large");
    const auto symbol = file_.read<Elf64_Sym>(symbols_ + index * sizeof(Elf64_Sym), "symbol table");
    string(symbol.st_name);
    if (has(DT_VERSYM)) {
      const auto version = file_.read<uint16_t>(value(DT_VERSYM) + index * sizeof(uint16_t), "version table");
      if ((version & 0x7fff) > last_version_) damaged("a symbol has a version that does not exist");
    }
    return symbol;
  }

  void add_export(uint64_t index) {
    const Elf64_Sym entry = symbol(index);
    if (entry.st_shndx == SHN_UNDEF) return;
    if (ELF64_ST_TYPE(entry.st_info) == STT_FUNC && !is_code(entry.st_value))
      damaged("a function lies outside its code");
    facts_.exports.emplace(string(entry.st_name));
  }

  void read_gnu_hash() {
    if (!has(DT_GNU_HASH)) return;
    const uint64_t table = value(DT_GNU_HASH);
    struct Header {
      uint32_t buckets, first_symbol, bloom_words, bloom_shift;
    };
    const auto header = file_.read<Header>(table, "hash table");
    if (header.buckets == 0 || header.bloom_words == 0 || (header.bloom_words & (header.bloom_words - 1)) != 0)
      damaged("its hash table is malformed");
    const uint64_t bloom = table + sizeof(Header);
    const uint64_t buckets = bloom + uint64_t{header.bloom_words} * 8;
    const uint64_t chains = buckets + uint64_t{header.buckets} * 4;
    file_.at(bloom, chains - bloom, "hash table");
    for (uint32_t i = 0; i < header.buckets; i++) {
      uint64_t index = file_.read<uint32_t>(buckets + uint64_t{i} * 4, "hash table");
      if (index == 0) continue;
      if (index < header.first_symbol) damaged("its hash table is malformed");
      // Each symbol belongs to one chain, so a table whose chains overlap is refused before it costs quadratic time.
      for (;; index++) {
        if (++visited_ > file_.image_size() / sizeof(Elf64_Sym)) damaged("its hash table is malformed");
        add_export(index);
        if (file_.read<uint32_t>(chains + (index - header.first_symbol) * 4, "hash table") & 1) break;
      }
    }
  }

  void read_hash() {
    if (!has(DT_HASH)) return;
    const uint64_t table = value(DT_HASH);
    const auto buckets = file_.read<uint32_t>(table, "hash table");
    const auto count = file_.read<uint32_t>(table + 4, "hash table");
    file_.at(table + 8, (uint64_t{buckets} + count) * 4, "hash table");
    for (uint64_t i = 0; i < uint64_t{buckets} + count; i++)
      if (file_.read<uint32_t>(table + 8 + i * 4, "hash table") >= count) damaged("its hash table is malformed");
    for (uint64_t index = 1; index < count; index++) add_export(index);
  }

  // The dynamic linker indexes an array by these numbers, and asserts that a version's file is a needed library.
  void read_versions() {
    uint64_t at = value(DT_VERNEED);
    for (uint64_t i = 0; has(DT_VERNEED) && i < value(DT_VERNEEDNUM); i++) {
      const auto need = file_.read<Elf64_Verneed>(at, "version table");
      const std::string_view library = string(need.vn_file);
      bool known = false;
      for (const std::string &name : facts_.needed) known |= name == library;
      if (!known) damaged("a version belongs to a library that is not needed");
      uint64_t auxiliary = at + need.vn_aux;
      for (uint16_t j = 0; j < need.vn_cnt; j++) {
        const auto entry = file_.read<Elf64_Vernaux>(auxiliary, "version table");
        string(entry.vna_name);
        if ((entry.vna_other & 0x7fff) > last_version_) last_version_ = entry.vna_other & 0x7fff;
        if (entry.vna_next == 0) break;
        auxiliary += entry.vna_next;
      }
      if (need.vn_next == 0) break;
      at += need.vn_next;
    }
    if (has(DT_VERDEF)) damaged("it defines symbol versions, which a driver has no use for");
  }

  bool is_code(uint64_t address) const {
    const Elf64_Phdr *segment = file_.mapping(address, 1);
    return segment && (segment->p_flags & PF_X);
  }

  void check_code(uint64_t tag) const {
    if (has(tag) && !is_code(value(tag))) damaged("its initialisation lies outside its code");
  }

  bool in_array(uint64_t address, uint64_t array, uint64_t size) const {
    return has(array) && address - value(array) < value(size);
  }

  void relocations(uint64_t table, uint64_t size) {
    if (!has(table)) return;
    const bool text = has(DT_TEXTREL) || (value(DT_FLAGS) & DF_TEXTREL);
    for (uint64_t offset = 0; offset + sizeof(Elf64_Rela) <= value(size); offset += sizeof(Elf64_Rela)) {
      const auto entry = file_.read<Elf64_Rela>(value(table) + offset, "relocation table");
      const uint64_t type = ELF64_R_TYPE(entry.r_info), index = ELF64_R_SYM(entry.r_info);
      // The dynamic linker asserts that so many come first.
      if (table == DT_RELA && offset / sizeof(Elf64_Rela) < value(DT_RELACOUNT) && type != R_X86_64_RELATIVE)
        damaged("its relocations are malformed");
      if (type == R_X86_64_NONE) continue;
      if (type != R_X86_64_64 && type != R_X86_64_GLOB_DAT && type != R_X86_64_JUMP_SLOT && type != R_X86_64_RELATIVE &&
          type != R_X86_64_IRELATIVE)
        damaged("it has a relocation that a driver has no use for");
      const Elf64_Phdr *segment = file_.mapping(entry.r_offset, 8);
      if (!segment || (!text && !(segment->p_flags & PF_W))) damaged("a relocation lies outside its writable memory");
      const auto addend = static_cast<uint64_t>(entry.r_addend);
      const bool initialises = type == R_X86_64_RELATIVE && (in_array(entry.r_offset, DT_INIT_ARRAY, DT_INIT_ARRAYSZ) ||
                                                             in_array(entry.r_offset, DT_FINI_ARRAY, DT_FINI_ARRAYSZ));
      if (initialises) called_.insert(entry.r_offset);
      if ((initialises || type == R_X86_64_IRELATIVE) && !is_code(addend))
        damaged("its initialisation lies outside its code");
      const Elf64_Sym target = symbol(index);
      if (index != 0 && target.st_shndx == SHN_UNDEF && ELF64_ST_BIND(target.st_info) != STB_WEAK)
        facts_.imports.emplace(string(target.st_name));
    }
  }

  const ElfFile &file_;
  std::array<std::optional<uint64_t>, kTags> entries_;
  std::vector<uint64_t> needed_offsets_;
  std::span<const char> strings_;
  uint64_t symbols_ = 0;
  uint64_t visited_ = 0;
  uint16_t last_version_ = 1;
  std::set<uint64_t> called_;
  DynamicFacts facts_;
};

}  // namespace

DynamicFacts read_dynamic(const ElfFile &file) { return Dynamic(file).read(); }

}  // namespace ntemu::ldr
