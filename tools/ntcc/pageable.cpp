#include "tools/ntcc/pageable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <set>

namespace ntemu::ntcc {
namespace {

constexpr std::string_view kSpace = " \t", kPragma = "#pragma", kAllocText = "alloc_text", kPage = "PAGE";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace), end = text.find_last_not_of(kSpace);
  return begin == text.npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

// "PAGE, First, Second"
void add_functions(std::string_view list, std::vector<PlacedFunction> &functions) {
  std::string section;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view word = trim(list.substr(0, comma));
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    if (!section.empty()) {
      functions.push_back({std::string(word), section});
      continue;
    }
    if (word.starts_with('"') && word.ends_with('"') && word.size() > 1) word = word.substr(1, word.size() - 2);
    if (!word.starts_with(kPage)) return;
    section = word;
  }
}

struct Section {
  std::string name;
  bool code;
};

std::vector<Section> sections_of(const std::string &object) {
  std::vector<Section> sections;
  elf_version(EV_CURRENT);
  const int file = open(object.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return sections;
  Elf *elf = elf_begin(file, ELF_C_READ, nullptr);
  size_t names = 0;
  if (elf && elf_kind(elf) == ELF_K_ELF && elf_getshdrstrndx(elf, &names) == 0) {
    for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf, section));) {
      GElf_Shdr header;
      const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : nullptr;
      if (name) sections.push_back({name, (header.sh_flags & SHF_EXECINSTR) != 0});
    }
  }
  elf_end(elf);
  close(file);
  return sections;
}

// ".text.unlikely.Move.cold": what the compiler has made of "Move".
bool is_of(std::string_view section, std::string_view function) {
  constexpr std::string_view kText = ".text.";
  if (!section.starts_with(kText)) return false;
  section.remove_prefix(kText.size());
  for (const std::string_view kind : {"unlikely.", "hot.", "startup.", "exit."}) {
    if (section.starts_with(kind)) section.remove_prefix(kind.size());
  }
  return section.starts_with(function) && (section.size() == function.size() || section[function.size()] == '.');
}

}  // namespace

std::vector<PlacedFunction> find_pageable(std::string_view preprocessed) {
  std::vector<PlacedFunction> functions;
  while (!preprocessed.empty()) {
    const size_t end = preprocessed.find('\n');
    std::string_view line = trim(preprocessed.substr(0, end));
    preprocessed.remove_prefix(end == preprocessed.npos ? preprocessed.size() : end + 1);
    if (!line.starts_with(kPragma)) continue;
    line = trim(line.substr(kPragma.size()));
    if (!line.starts_with(kAllocText)) continue;
    line = trim(line.substr(kAllocText.size()));
    const size_t close = line.find(')');
    if (line.starts_with('(') && close != line.npos) add_functions(line.substr(1, close - 1), functions);
  }
  return functions;
}

Arguments pageable_flags(bool is_clang) {
  if (is_clang) return {"-ffunction-sections", "-finline-hint-functions"};
  return {"-ffunction-sections",         "-fno-inline-functions",
          "-fno-inline-small-functions", "-fno-inline-functions-called-once",
          "-fno-partial-inlining",       "-fno-ipa-icf"};
}

int place_pageable(const std::string &object, const std::vector<PlacedFunction> &functions) {
  Arguments command = {"objcopy"};
  std::set<std::string> moved;
  for (const Section &section : sections_of(object)) {
    for (const PlacedFunction &placed : functions) {
      if (section.code && is_of(section.name, placed.function) && moved.insert(section.name).second)
        command.insert(command.end(), {"--rename-section", section.name + "=" + placed.section});
    }
  }
  if (moved.empty()) return 0;
  command.push_back(object);
  return run(command, Capture::kNothing).exit_code;
}

bool has_pageable_code(const std::string &object) {
  for (const Section &section : sections_of(object)) {
    if (section.code && section.name.starts_with(kPage)) return true;
  }
  return false;
}

const char *const kPageableScript = R"(SECTIONS {
  PAGE : ALIGN(0x1000) {
    nt_pageable_begin = .;
    INPUT_SECTION_FLAGS (SHF_EXECINSTR) *(PAGE*)
    . = ALIGN(0x1000);
    nt_pageable_end = .;
  }
} INSERT AFTER .text;
)";

}  // namespace ntemu::ntcc
