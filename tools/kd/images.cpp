#include "tools/kd/images.h"

#include <elf.h>

#include <algorithm>
#include <vector>

#include "ntemu/base/hex.h"
#include "ntemu/kd/debugger_data.h"

namespace ntemu::debug {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMostHeaders = 256;
constexpr size_t kMostNotes = 64 << 10;

size_t aligned(size_t size) { return (size + 3) & ~size_t{3}; }

void read_notes(Memory &memory, Address start, uint64_t size, ImageHeaders &image) {
  std::vector<uint8_t> bytes(std::min<uint64_t>(size, kMostNotes));
  bytes.resize(memory.read(start, bytes.data(), bytes.size()));
  for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= bytes.size();) {
    Elf64_Nhdr note;
    std::memcpy(&note, &bytes[at], sizeof note);
    const size_t name = at + sizeof note, contents = name + aligned(note.n_namesz),
                 end = contents + aligned(note.n_descsz);
    if (contents + note.n_descsz > bytes.size()) return;
    const std::string_view owner(reinterpret_cast<const char *>(&bytes[name]), note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && owner == "GNU\0"sv) {
      image.build_id = base::to_hex(&bytes[contents], note.n_descsz);
    } else if (note.n_type == kd::kImageNote && owner == "NTEMU\0"sv && note.n_descsz == sizeof(int64_t)) {
      int64_t distance;
      std::memcpy(&distance, &bytes[contents], sizeof distance);
      image.kernel_data = start + contents + static_cast<uint64_t>(distance);
    }
    at = end;
  }
}

}  // namespace

std::optional<ImageHeaders> read_image(Memory &memory, Address base) {
  const auto header = memory.get<Elf64_Ehdr>(base);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_phentsize != sizeof(Elf64_Phdr))
    return std::nullopt;
  std::vector<Elf64_Phdr> parts(std::min<size_t>(header->e_phnum, kMostHeaders));
  const size_t bytes = parts.size() * sizeof(Elf64_Phdr);
  if (memory.read(base + header->e_phoff, parts.data(), bytes) != bytes) return std::nullopt;
  ImageHeaders image;
  const auto first = std::find_if(parts.begin(), parts.end(), [](const auto &part) { return part.p_type == PT_LOAD; });
  if (first == parts.end()) return std::nullopt;
  const Address bias = image.bias = base - (first->p_vaddr & ~uint64_t{0xfff});
  for (const Elf64_Phdr &part : parts) {
    const Address start = bias + part.p_vaddr;
    if (part.p_type == PT_LOAD) image.size = std::max(image.size, start + part.p_memsz - base);
    if (part.p_type == PT_GNU_EH_FRAME) {
      image.eh_frame = start;
      image.eh_frame_size = part.p_memsz;
    }
    if (part.p_type == PT_NOTE) read_notes(memory, start, part.p_memsz, image);
  }
  image.size = (image.size + 0xfff) & ~uint64_t{0xfff};
  return image;
}

}  // namespace ntemu::debug
