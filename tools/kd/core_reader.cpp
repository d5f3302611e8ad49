#include "tools/kd/core_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr size_t kMostSegments = 1 << 20;
constexpr uint64_t kMostNotes = 256 << 20;
constexpr size_t kMostFiles = 1 << 18;

size_t pread_all(int file, void *buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, static_cast<char *>(buffer) + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

// The memory of an image that a file would be loaded to, for reading its build id.
class FileMemory : public MemorySource {
 public:
  explicit FileMemory(int file) : file_(file) {}
  size_t read(Address address, void *buffer, size_t size) override { return pread_all(file_, buffer, size, address); }

 private:
  const int file_;
};

}  // namespace

CoreReader::~CoreReader() {
  if (file_ >= 0) close(file_);
  for (const auto &[path, source] : sources_) {
    if (source.descriptor >= 0) close(source.descriptor);
  }
}

bool CoreReader::read_file(void *buffer, size_t size, uint64_t offset) const {
  return offset <= length_ && size <= length_ - offset && pread_all(file_, buffer, size, offset) == size;
}

std::optional<Failure> CoreReader::open(const std::filesystem::path &path) {
  const auto fail = [&](std::string_view text) { return Failure{fmt::format("{}: {}", path.string(), text)}; };
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) return fail(std::strerror(errno));
  struct stat info {};
  if (fstat(file_, &info) != 0 || !S_ISREG(info.st_mode)) return fail("it is no file");
  length_ = static_cast<uint64_t>(info.st_size);
  Elf64_Ehdr header;
  if (!read_file(&header, sizeof header, 0) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return fail("it is no dump");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_CORE || header.e_machine != EM_X86_64)
    return fail("it is an ELF file, but no dump of this processor");
  uint64_t count = header.e_phnum;
  if (count == PN_XNUM) {
    Elf64_Shdr section;
    if (!read_file(&section, sizeof section, header.e_shoff)) return fail("its headers cannot be read");
    count = section.sh_info;
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || count == 0 || count > kMostSegments)
    return fail("its headers are damaged");
  std::vector<Elf64_Phdr> headers(count);
  const uint64_t there = header.e_phoff < length_ ? (length_ - header.e_phoff) / sizeof(Elf64_Phdr) : 0;
  if (there < count) {
    problems_.push_back(fmt::format("{} of its {} headers are missing", count - there, count));
    headers.resize(there);
  }
  if (!read_file(headers.data(), headers.size() * sizeof(Elf64_Phdr), header.e_phoff))
    return fail("its headers cannot be read");
  uint64_t missing = 0;
  for (const Elf64_Phdr &part : headers) {
    if (part.p_type == PT_NOTE) read_notes(part.p_offset, part.p_filesz);
    if (part.p_type != PT_LOAD || part.p_vaddr + part.p_memsz < part.p_vaddr) continue;
    const uint64_t file_size = std::min({part.p_filesz, part.p_memsz, length_ - std::min(length_, part.p_offset)});
    missing += std::min(part.p_filesz, part.p_memsz) - file_size;
    segments_.push_back({part.p_vaddr, part.p_memsz, file_size, part.p_offset});
  }
  if (missing) problems_.push_back(fmt::format("it is cut off: {} bytes of memory are missing", missing));
  std::sort(segments_.begin(), segments_.end(), [](const auto &a, const auto &b) { return a.start < b.start; });
  std::sort(files_.begin(), files_.end(), [](const auto &a, const auto &b) { return a.start < b.start; });
  return std::nullopt;
}

void CoreReader::read_notes(uint64_t offset, uint64_t size) {
  if (offset > length_) {
    problems_.emplace_back("its notes are missing");
    return;
  }
  std::vector<uint8_t> bytes(std::min({size, length_ - offset, kMostNotes}));
  if (bytes.size() < size) problems_.emplace_back("its notes are cut off");
  if (!read_file(bytes.data(), bytes.size(), offset)) return;
  const auto aligned = [](uint64_t value) { return (value + 3) & ~uint64_t{3}; };
  for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= bytes.size();) {
    Elf64_Nhdr note;
    std::memcpy(&note, &bytes[at], sizeof note);
    const uint64_t name = at + sizeof note, contents = name + aligned(note.n_namesz);
    if (contents + note.n_descsz > bytes.size()) {
      problems_.emplace_back("its notes are damaged");
      return;
    }
    take_note(note, {reinterpret_cast<const char *>(&bytes[name]), note.n_namesz ? note.n_namesz - 1 : 0},
              bytes.data() + contents);
    at = contents + aligned(note.n_descsz);
  }
}

void CoreReader::take_note(const Elf64_Nhdr &note, std::string_view name, const uint8_t *contents) {
  if (name == "CORE" && note.n_type == NT_PRSTATUS && note.n_descsz >= sizeof(elf_prstatus)) {
    elf_prstatus status;
    std::memcpy(&status, contents, sizeof status);
    threads_.emplace_back(status.pr_pid, Registers::from(status.pr_reg));
    constexpr uint64_t kMostSeconds = 1ull << 32;  // what is beyond is damaged
    times_[status.pr_pid] =
        static_cast<int64_t>(static_cast<uint64_t>(status.pr_stime.tv_sec) % kMostSeconds * 1'000'000 +
                             static_cast<uint64_t>(status.pr_stime.tv_usec) % 1'000'000);
  } else if (name == "CORE" && note.n_type == NT_FILE) {
    take_files(contents, note.n_descsz);
  } else if (name == "CORE" && note.n_type == NT_AUXV) {
    for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= note.n_descsz; at += sizeof(Elf64_auxv_t)) {
      Elf64_auxv_t entry;
      std::memcpy(&entry, contents + at, sizeof entry);
      if (entry.a_type == AT_SYSINFO_EHDR) files_.push_back({entry.a_un.a_val, entry.a_un.a_val + 0x1000, 0, "[vdso]"});
    }
  } else if (name == "NTEMU" && note.n_type == kd::kDumpNote &&
             note.n_descsz >= offsetof(kd::DumpNote, debugger_data)) {
    std::memcpy(&note_.emplace(), contents, std::min<size_t>(note.n_descsz, sizeof(kd::DumpNote)));
  }
}

void CoreReader::take_files(const uint8_t *contents, size_t size) {
  const auto number = [&](size_t index) {
    uint64_t value = 0;
    if ((index + 1) * sizeof value <= size) std::memcpy(&value, contents + index * sizeof value, sizeof value);
    return value;
  };
  constexpr size_t kHead = 2, kRow = 3;
  const uint64_t count = std::min<uint64_t>(number(0), size / (kRow * sizeof(uint64_t))), page = number(1);
  size_t text = (kHead + count * kRow) * sizeof(uint64_t);
  for (size_t i = 0; i < std::min<uint64_t>(count, kMostFiles) && text < size; ++i) {
    const char *path = reinterpret_cast<const char *>(contents + text);
    const size_t length = strnlen(path, size - text);
    files_.push_back({number(kHead + i * kRow), number(kHead + i * kRow + 1), number(kHead + i * kRow + 2) * page,
                      std::string(path, length)});
    text += length + 1;
  }
}

size_t CoreReader::read(Address address, void *buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const Address at = address + done;
    if (at < address) break;
    size_t got = read_segment(at, static_cast<char *>(buffer) + done, size - done);
    if (got == 0) got = read_mapped(at, static_cast<char *>(buffer) + done, size - done);
    if (got == 0) break;
    done += got;
  }
  return done;
}

// What the core itself has from `address` on.
size_t CoreReader::read_segment(Address address, void *buffer, size_t size) const {
  auto after = std::upper_bound(segments_.begin(), segments_.end(), address,
                                [](Address value, const Segment &segment) { return value < segment.start; });
  if (after == segments_.begin()) return 0;
  const Segment &segment = *--after;
  const uint64_t offset = address - segment.start;
  if (offset >= segment.file_size) return 0;
  return pread_all(file_, buffer, std::min<uint64_t>(size, segment.file_size - offset), segment.offset + offset);
}

size_t CoreReader::read_mapped(Address address, void *buffer, size_t size) {
  auto after = std::upper_bound(files_.begin(), files_.end(), address,
                                [](Address value, const FileMapping &mapping) { return value < mapping.start; });
  if (after == files_.begin()) return 0;
  const FileMapping &mapping = *--after;
  if (address >= mapping.end) return 0;
  const Source &source = source_of(mapping);
  if (source.descriptor < 0) return 0;
  const uint64_t offset = address - mapping.start;
  return pread_all(source.descriptor, buffer, std::min<uint64_t>(size, mapping.end - address), mapping.offset + offset);
}

// A file counts only when its build id is the one that the core has where it was mapped.
CoreReader::Source &CoreReader::source_of(const FileMapping &mapping) {
  const auto [at, fresh] = sources_.try_emplace(mapping.path);
  Source &source = at->second;
  if (!fresh) return source;
  const auto first = std::find_if(files_.begin(), files_.end(), [&](const FileMapping &other) {
    return other.path == mapping.path && other.offset == 0;
  });
  if (first == files_.end()) return source;
  const int descriptor = ::open(mapping.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return source;
  struct stat info {};
  FileMemory file(descriptor);
  Memory file_memory(file);
  class Segments : public MemorySource {
   public:
    explicit Segments(const CoreReader &reader) : reader_(reader) {}
    size_t read(Address address, void *buffer, size_t size) override {
      return reader_.read_segment(address, buffer, size);
    }

   private:
    const CoreReader &reader_;
  } segments(*this);
  Memory core_memory(segments);
  const auto wanted = read_image(core_memory, first->start);
  const auto found = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? read_image(file_memory, 0) : std::nullopt;
  if (wanted && found && !wanted->build_id.empty() && wanted->build_id == found->build_id) {
    source.descriptor = descriptor;
  } else {
    close(descriptor);
  }
  return source;
}

}  // namespace ntemu::debug
