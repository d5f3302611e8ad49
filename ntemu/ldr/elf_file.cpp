#include "ntemu/ldr/elf_file.h"

#include <fmt/format.h>

namespace ntemu::ldr {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kLargestImage = uint64_t{1} << 30;

[[noreturn]] void fail(NTSTATUS status, std::string text) { throw LoadError{status, std::move(text)}; }

bool inside(uint64_t offset, uint64_t size, uint64_t limit) { return offset <= limit && size <= limit - offset; }

}  // namespace

void damaged(std::string_view what) {
  fail(STATUS_INVALID_IMAGE_FORMAT, fmt::format("the image is damaged: {}", what));
}

ElfFile::ElfFile(std::span<const char> bytes) : bytes_(bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (text.empty()) fail(STATUS_MAPPED_FILE_SIZE_ZERO, "the file is empty");
  if (text.starts_with("MZ"))
    fail(STATUS_INVALID_IMAGE_WIN_64, "a Windows PE image: compile the driver's source with ntcc");
  if (!text.starts_with(std::string_view(ELFMAG, SELFMAG)))
    fail(STATUS_INVALID_IMAGE_NOT_MZ, "not a driver image: compile the driver's source with ntcc");
  if (bytes.size() > EI_CLASS && bytes[EI_CLASS] == ELFCLASS32)
    fail(STATUS_INVALID_IMAGE_WIN_32, "a 32-bit image: ntemu loads x86-64 drivers");
  if (bytes.size() < sizeof(header_))
    fail(STATUS_INVALID_FILE_FOR_SECTION,
         fmt::format("the file is truncated: {} bytes are less than an ELF header", bytes.size()));
  std::memcpy(&header_, bytes.data(), sizeof(header_));
  check_kind();
  check_segments();
}

void ElfFile::check_kind() const {
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_VERSION] != EV_CURRENT)
    damaged("unknown ELF class or version");
  if (header_.e_ident[EI_DATA] != ELFDATA2LSB || header_.e_machine != EM_X86_64)
    fail(STATUS_INVALID_IMAGE_FORMAT,
         fmt::format("built for another machine ({}): ntemu loads x86-64 drivers",
                     header_.e_machine == EM_AARCH64 ? "AArch64" : fmt::format("ELF machine {}", header_.e_machine)));
  if (header_.e_type == ET_REL) fail(STATUS_INVALID_IMAGE_FORMAT, "an object file: link it with ntcc");
  if (header_.e_type != ET_DYN) fail(STATUS_INVALID_IMAGE_FORMAT, "a program, not a driver: build it with ntcc");
  if (header_.e_phentsize != sizeof(Elf64_Phdr) || header_.e_phnum == 0) damaged("it has no program headers");
  const auto truncated = [&](const char *what) {
    fail(STATUS_INVALID_FILE_FOR_SECTION, fmt::format("the file is truncated: its {} lie beyond its end", what));
  };
  if (!inside(header_.e_phoff, uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr), bytes_.size()))
    truncated("program headers");
  if (!inside(header_.e_shoff, uint64_t{header_.e_shnum} * header_.e_shentsize, bytes_.size()))
    truncated("section headers");
}

void ElfFile::check_segments() {
  segments_.resize(header_.e_phnum);
  std::memcpy(segments_.data(), bytes_.data() + header_.e_phoff, segments_.size() * sizeof(Elf64_Phdr));
  uint64_t end = 0;
  bool first = true;
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type == PT_INTERP) fail(STATUS_INVALID_IMAGE_FORMAT, "a program, not a driver: build it with ntcc");
    if (segment.p_type != PT_LOAD) continue;
    if (!inside(segment.p_offset, segment.p_filesz, bytes_.size()))
      fail(STATUS_INVALID_FILE_FOR_SECTION, "the file is truncated: its segments lie beyond its end");
    if (segment.p_filesz > segment.p_memsz || !inside(segment.p_vaddr, segment.p_memsz, kLargestImage))
      damaged("a segment has an impossible size");
    if (segment.p_align < kPage || (segment.p_align & (segment.p_align - 1)) != 0 || segment.p_align > kLargestImage ||
        (segment.p_vaddr - segment.p_offset) % kPage != 0)
      damaged("a segment is misaligned");
    // The dynamic linker maps from the first segment on and counts on the order.
    if (!first && segment.p_vaddr / kPage * kPage < end) damaged("its segments overlap");
    first = false;
    end = (segment.p_vaddr + segment.p_memsz + kPage - 1) / kPage * kPage;
  }
  if (first) damaged("it maps no memory");
  image_size_ = end;
  // The dynamic linker reads these where they say they are mapped.
  for (const Elf64_Phdr &segment : segments_)
    if (segment.p_type == PT_NOTE || segment.p_type == PT_GNU_PROPERTY || segment.p_type == PT_PHDR)
      at(segment.p_vaddr, segment.p_memsz, "notes");
  // Write-protected when the relocations are done.
  if (const Elf64_Phdr *relro = this->segment(PT_GNU_RELRO)) {
    const Elf64_Phdr *target = mapping(relro->p_vaddr, relro->p_memsz);
    if (!target || !(target->p_flags & PF_W)) damaged("its read-only data lie outside its writable memory");
  }
}

const Elf64_Phdr *ElfFile::segment(uint32_t type) const {
  for (const Elf64_Phdr &segment : segments_)
    if (segment.p_type == type) return &segment;
  return nullptr;
}

const Elf64_Phdr *ElfFile::mapping(uint64_t address, uint64_t size) const {
  for (const Elf64_Phdr &segment : segments_)
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        inside(address - segment.p_vaddr, size, segment.p_memsz))
      return &segment;
  return nullptr;
}

std::span<const char> ElfFile::at(uint64_t address, uint64_t size, const char *what) const {
  const Elf64_Phdr *segment = mapping(address, size);
  if (!segment || !inside(address - segment->p_vaddr, size, segment->p_filesz))
    damaged(fmt::format("its {} lies outside the file", what));
  return bytes_.subspan(segment->p_offset + (address - segment->p_vaddr), size);
}

}  // namespace ntemu::ldr
