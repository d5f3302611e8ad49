#include "ntemu/kd/core_file.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ntemu::kd {
namespace {

// Anonymous memory up to this size is one segment, with holes in the file for pages that are zero.
constexpr uint64_t kLargestWhole = 64 << 20;
// In larger mappings, untouched runs of at least this size are left out.
constexpr uint64_t kGap = 1 << 20;
constexpr size_t kChunk = 1 << 20;

struct Segment {
  uint64_t start, memory_size, file_size, offset;
  uint32_t flags;
  bool by_runs;  // pages that are not touched need not be read
};

struct Storage {
  static constexpr size_t kMostSegments = 1 << 17;
  MemoryMap::Storage map;
  Segment segments[kMostSegments];
  char chunk[kChunk];
  char notes[16 << 10];
};

bool starts_with(const char *text, const char *start) { return std::strncmp(text, start, std::strlen(start)) == 0; }
bool ends_with(const char *text, const char *end) {
  const size_t length = std::strlen(text), wanted = std::strlen(end);
  return length >= wanted && std::strcmp(text + length - wanted, end) == 0;
}

// The files of drivers are private copies, gone with the machine, and that of the kernel may be replaced: their code
// and unwind tables come along.
bool is_nt_image(const char *path) { return ends_with(path, ".sys") || ends_with(path, "/libntoskrnl.so"); }

bool is_zero(const char *page) { return page[0] == 0 && std::memcmp(page, page + 1, kPage - 1) == 0; }

class Core {
 public:
  Core(int file, const CoreSource &source, Storage &storage)
      : file_(file), source_(source), storage_(storage), map_(storage.map) {}

  CoreResult write() {
    int error = map_.open(source_.memory);
    if (!error) error = plan();
    if (!error) error = write_headers();
    for (size_t i = 0; i < count_ && !error; ++i) error = write_segment(storage_.segments[i]);
    if (!error && ftruncate(file_, static_cast<off_t>(end_)) != 0) error = errno;
    return {error, end_, unreadable_};
  }

 private:
  int plan() {
    for (const Mapping &mapping : map_) {
      if (starts_with(mapping.path, "[vvar") || starts_with(mapping.path, "[vsyscall")) continue;
      if (mapping.is_file()) {
        plan_file(mapping);
      } else {
        plan_around_storage(mapping);
      }
    }
    return overflow_ ? EOVERFLOW : 0;
  }

  void add(const Mapping &mapping, uint64_t start, uint64_t end, uint64_t file_size, bool by_runs) {
    if (count_ == Storage::kMostSegments) {
      overflow_ = true;
      return;
    }
    const uint32_t flags =
        (mapping.readable ? PF_R : 0u) | (mapping.writable ? PF_W : 0u) | (mapping.executable ? PF_X : 0u);
    storage_.segments[count_++] = {start, end - start, file_size, 0, flags, by_runs};
  }

  void plan_file(const Mapping &mapping) {
    if (starts_with(mapping.path, "/dev/")) return;
    bool whole = !mapping.shared && (mapping.writable || is_nt_image(mapping.path));
    // What relocation has written to and protected afterwards.
    if (!whole && !mapping.shared)
      map_.for_each_run(mapping.start, mapping.end, true, [&](const Range &) { whole = true; });
    uint64_t size = whole ? mapping.end - mapping.start : 0;
    if (!whole && mapping.readable && mapping.offset == 0 && has_elf_header(mapping.start)) size = kPage;
    if (!size && !mapping.readable) return;
    add(mapping, mapping.start, mapping.end, size, false);
    todo_ += size;
  }

  bool has_elf_header(uint64_t address) const {
    char magic[SELFMAG];
    return map_.read(address, magic, sizeof magic) == sizeof magic && std::memcmp(magic, ELFMAG, SELFMAG) == 0;
  }

  // The storage is not the process's own.
  void plan_around_storage(const Mapping &mapping) {
    const auto start = reinterpret_cast<uint64_t>(&storage_),
               end = start + (sizeof storage_ + kPage - 1) / kPage * kPage;
    if (source_.memory != 0 || end <= mapping.start || start >= mapping.end) {
      plan_memory(mapping, mapping.start, mapping.end);
      return;
    }
    if (start > mapping.start) plan_memory(mapping, mapping.start, start);
    if (end < mapping.end) plan_memory(mapping, end, mapping.end);
  }

  void plan_memory(const Mapping &mapping, uint64_t start, uint64_t end) {
    const bool whole = mapping.readable && end - start <= kLargestWhole;
    if (whole) add(mapping, start, end, end - start, !starts_with(mapping.path, "[vdso"));
    // Where nobody can read, what nobody has touched is a guard, or freed: it stays unknown.
    const uint64_t gap = mapping.readable ? kGap : 1;
    Range merged{0, 0};
    map_.for_each_run(start, end, false, [&](const Range &run) {
      todo_ += run.end - run.start;
      if (whole) return;
      if (merged.end && run.start - merged.end < gap) {
        merged.end = run.end;
        return;
      }
      if (merged.end) add(mapping, merged.start, merged.end, merged.end - merged.start, true);
      merged = run;
    });
    if (!whole && merged.end) add(mapping, merged.start, merged.end, merged.end - merged.start, true);
  }

  int write_headers() {
    const uint64_t segments = count_ + 1;
    const bool many = segments >= PN_XNUM;  // then their number is in a section
    const uint64_t sections_at = sizeof(Elf64_Ehdr) + segments * sizeof(Elf64_Phdr);
    const uint64_t notes_at = sections_at + (many ? sizeof(Elf64_Shdr) : 0);
    const uint64_t notes_size = write_notes(-1, notes_at, source_, map_, storage_.notes, sizeof storage_.notes).bytes;
    end_ = (notes_at + notes_size + kPage - 1) / kPage * kPage;

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(many ? PN_XNUM : segments);
    if (many) {
      header.e_shoff = sections_at;
      header.e_shentsize = sizeof(Elf64_Shdr);
      header.e_shnum = 1;
    }
    if (const int error = write_at(file_, &header, sizeof header, 0)) return error;

    Elf64_Phdr notes{};
    notes.p_type = PT_NOTE;
    notes.p_offset = notes_at;
    notes.p_filesz = notes_size;
    notes.p_align = 4;
    if (const int error = write_at(file_, &notes, sizeof notes, sizeof header)) return error;
    uint64_t at = sizeof header + sizeof notes;
    for (size_t i = 0; i < count_; ++i, at += sizeof(Elf64_Phdr)) {
      if (const int error = write_program_header(storage_.segments[i], at)) return error;
    }
    if (many) {
      Elf64_Shdr section{};
      section.sh_size = header.e_shnum;
      section.sh_info = static_cast<Elf64_Word>(segments);
      if (const int error = write_at(file_, &section, sizeof section, sections_at)) return error;
    }
    if (source_.progress) source_.progress->total.store(todo_);
    return write_notes(file_, notes_at, source_, map_, storage_.notes, sizeof storage_.notes).error;
  }

  int write_program_header(Segment &segment, uint64_t at) {
    segment.offset = end_;
    end_ += segment.file_size;
    Elf64_Phdr header{};
    header.p_type = PT_LOAD;
    header.p_flags = segment.flags;
    header.p_offset = segment.offset;
    header.p_vaddr = segment.start;
    header.p_filesz = segment.file_size;
    header.p_memsz = segment.memory_size;
    header.p_align = kPage;
    return write_at(file_, &header, sizeof header, at);
  }

  int write_segment(const Segment &segment) {
    const uint64_t end = segment.start + segment.file_size;
    int error = 0;
    if (!segment.by_runs)
      error = copy(segment, {segment.start, end});
    else
      map_.for_each_run(segment.start, end, false, [&](const Range &run) {
        if (!error) error = copy(segment, run);
      });
    for (const Patch &patch : source_.patches) {
      if (!error) error = write_patch(segment, patch);
    }
    return error;
  }

  int copy(const Segment &segment, const Range &range) {
    for (uint64_t at = range.start; at < range.end;) {
      const size_t wanted = std::min<uint64_t>(range.end - at, kChunk);
      size_t got = map_.read(at, storage_.chunk, wanted) / kPage * kPage;
      if (got == 0) {  // it stays a hole
        got = kPage;
        unreadable_ += kPage;
      } else if (const int error = put(segment, at, got)) {
        return error;
      }
      at += got;
      if (source_.progress) source_.progress->done.fetch_add(got, std::memory_order_relaxed);
    }
    return 0;
  }

  // The chunk, but for pages that are zero.
  int put(const Segment &segment, uint64_t at, size_t size) {
    const char *chunk = storage_.chunk;
    for (size_t i = 0; i < size;) {
      if (is_zero(chunk + i)) {
        i += kPage;
        continue;
      }
      size_t end = i + kPage;
      while (end < size && !is_zero(chunk + end)) end += kPage;
      if (const int error = write_at(file_, chunk + i, end - i, segment.offset + (at + i - segment.start)))
        return error;
      i = end;
    }
    return 0;
  }

  // Over what was copied, and over pages that nobody has touched.
  int write_patch(const Segment &segment, const Patch &patch) {
    const uint64_t start = std::max(segment.start, patch.address);
    const uint64_t end = std::min(segment.start + segment.file_size, patch.address + patch.size);
    if (start >= end) return 0;
    return write_at(file_, patch.bytes + (start - patch.address), end - start,
                    segment.offset + (start - segment.start));
  }

  const int file_;
  const CoreSource &source_;
  Storage &storage_;
  MemoryMap map_;
  size_t count_ = 0;
  bool overflow_ = false;
  uint64_t todo_ = 0, end_ = 0, unreadable_ = 0;
};

}  // namespace

int write_at(int file, const void *bytes, size_t size, uint64_t offset) {
  const char *at = static_cast<const char *>(bytes);
  while (size) {
    const ssize_t put = pwrite(file, at, size, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : ENOSPC;
    at += put;
    offset += static_cast<uint64_t>(put);
    size -= static_cast<size_t>(put);
  }
  return 0;
}

CoreResult write_core(int file, const CoreSource &source) {
  void *pages =
      mmap(nullptr, sizeof(Storage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return {errno, 0, 0};
  CoreResult result{};
  {
    Core core(file, source, *static_cast<Storage *>(pages));
    result = core.write();
  }
  munmap(pages, sizeof(Storage));
  return result;
}

}  // namespace ntemu::kd
