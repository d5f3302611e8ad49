// Opening ELF files; names of functions.
#include <cxxabi.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "ntemu/base/hex.h"
#include "ntemu/base/plain_name.h"
#include "tools/kd/image_file.h"

namespace ntemu::debug {
std::string FileSymbol::name() const {
  const std::string_view text = linker_name;
  if (!text.starts_with("_Z")) {
    for (const std::string_view suffix : {".constprop.", ".isra.", ".part.", ".cold", ".localalias"}) {
      if (const size_t at = text.find(suffix); at != text.npos && at > 0) return std::string(text.substr(0, at));
    }
    return std::string(text);
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void *)> plain(abi::__cxa_demangle(linker_name, nullptr, nullptr, &status),
                                                      std::free);
  return plain ? base::without_scopes(plain.get()) : std::string(text);
}

Result<std::unique_ptr<ElfFile>> ElfFile::open(const std::filesystem::path &path) {
  std::unique_ptr<ElfFile> file(new ElfFile);
  file->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->descriptor_ < 0) return Failure{fmt::format("{}: {}", path.string(), std::strerror(errno))};
  struct stat info {};
  if (fstat(file->descriptor_, &info) != 0 || !S_ISREG(info.st_mode))
    return Failure{fmt::format("{} is no file", path.string())};
  elf_version(EV_CURRENT);
  file->elf_ = elf_begin(file->descriptor_, ELF_C_READ_MMAP, nullptr);
  if (!file->elf_ || elf_kind(file->elf_) != ELF_K_ELF) return Failure{fmt::format("{} is no ELF file", path.string())};
  return file;
}

ElfFile::~ElfFile() {
  if (elf_) elf_end(elf_);
  if (descriptor_ >= 0) close(descriptor_);
}

std::string ElfFile::build_id() const {
  const void *bytes = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf_, &bytes);
  return size > 0 ? base::to_hex(static_cast<const uint8_t *>(bytes), static_cast<size_t>(size)) : "";
}

bool ElfFile::has_section(std::string_view name) const {
  size_t names = 0;
  if (elf_getshdrstrndx(elf_, &names) != 0) return false;
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf_, section));) {
    const Elf64_Shdr *header = elf64_getshdr(section);
    const char *text = header ? elf_strptr(elf_, names, header->sh_name) : nullptr;
    if (text && header->sh_type != SHT_NOBITS && name == text) return true;
  }
  return false;
}

}  // namespace ntemu::debug
