#include "ntemu/kd/memory_map.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace ntemu::kd {
namespace {

// PAGEMAP_SCAN of Linux 6.7, which older headers do not have.
struct ScannedRegion {
  uint64_t start, end, categories;
};
struct ScanArguments {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
enum : uint64_t { kIsFile = 1 << 2, kIsPresent = 1 << 3, kIsSwapped = 1 << 4 };
// Entries of /proc/PID/pagemap.
enum : uint64_t {
  kEntryPresent = uint64_t{1} << 63,
  kEntrySwapped = uint64_t{1} << 62,
  kEntryFile = uint64_t{1} << 61
};
// Where each page that is not there has to be looked at, mappings beyond this (a sanitizer's shadow) are left out.
constexpr uint64_t kMostWithoutScan = uint64_t{256} << 30;

bool take_hex(const char *&at, uint64_t &value) {
  const char *first = at;
  for (value = 0;; ++at) {
    int digit;
    if (*at >= '0' && *at <= '9') {
      digit = *at - '0';
    } else if (*at >= 'a' && *at <= 'f') {
      digit = *at - 'a' + 10;
    } else {
      return at != first;
    }
    value = value << 4 | static_cast<uint64_t>(digit);
  }
}

}  // namespace

void proc_path(char (&path)[64], pid_t process, const char *name) {
  // Of the thread: what /proc/self shows is gone when the process's first thread has ended.
  std::strcpy(path, "/proc/thread-self/");
  if (process != 0) {
    char digits[16];
    int length = 0;
    for (pid_t rest = process; rest; rest /= 10) digits[length++] = static_cast<char>('0' + rest % 10);
    char *end = path + 6;
    while (length) *end++ = digits[--length];
    std::strcpy(end, "/");
  }
  std::strncat(path, name, 16);
}

bool Mapping::is_file() const {
  if (path[0] != '/') return false;
  for (const char *memory : {"/memfd:", "/dev/shm/", "/dev/zero", "/SYSV"}) {
    if (std::strncmp(path, memory, std::strlen(memory)) == 0) return false;
  }
  return true;
}

MemoryMap::~MemoryMap() {
  if (memory_ >= 0) close(memory_);
  if (pagemap_ >= 0) close(pagemap_);
}

int MemoryMap::open(pid_t process) {
  char path[64];
  const auto open_one = [&](const char *name) {
    proc_path(path, process, name);
    return ::open(path, O_RDONLY | O_CLOEXEC);
  };
  memory_ = open_one("mem");
  if (memory_ < 0) return errno;
  pagemap_ = open_one("pagemap");
  const int maps = open_one("maps");
  if (maps < 0) return errno;
  const int error = parse(maps);
  close(maps);
  return error;
}

int MemoryMap::parse(int maps) {
  size_t filled = 0;
  for (;;) {
    char *buffer = storage_.line_buffer;
    const ssize_t got = ::read(maps, buffer + filled, sizeof storage_.line_buffer - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    filled += static_cast<size_t>(got);
    char *line = buffer;
    while (auto *end = static_cast<char *>(memchr(line, '\n', filled - static_cast<size_t>(line - buffer)))) {
      *end = 0;
      if (!take_line(line)) return EOVERFLOW;
      line = end + 1;
    }
    filled -= static_cast<size_t>(line - buffer);
    std::memmove(buffer, line, filled);
    if (got == 0) return count_ ? 0 : ENODATA;
  }
}

// start-end rwxp offset device inode     path
bool MemoryMap::take_line(char *line) {
  const char *at = line;
  Mapping mapping{};
  if (count_ == kMostMappings || !take_hex(at, mapping.start) || *at++ != '-' || !take_hex(at, mapping.end))
    return false;
  mapping.readable = at[1] == 'r';
  mapping.writable = at[2] == 'w';
  mapping.executable = at[3] == 'x';
  mapping.shared = at[4] == 's';
  at += 6;
  if (!take_hex(at, mapping.offset)) return false;
  for (int field = 0; field < 2; ++field) {
    at += *at == ' ';
    while (*at && *at != ' ') ++at;
  }
  while (*at == ' ') ++at;
  const size_t length = std::strlen(at);
  if (text_used_ + length + 1 > kMostText) return false;
  char *path = storage_.text + text_used_;
  std::memcpy(path, at, length + 1);
  text_used_ += length + 1;
  mapping.path = path;
  storage_.mappings[count_++] = mapping;
  return true;
}

size_t MemoryMap::read(uint64_t address, void *buffer, size_t size) const {
  size_t done = 0;
  while (done < size) {
    const ssize_t got =
        pread(memory_, static_cast<char *>(buffer) + done, size - done, static_cast<off_t>(address + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

size_t MemoryMap::look(uint64_t &at, uint64_t end, bool private_only) {
  if (pagemap_ < 0) {  // then everything counts as touched
    storage_.runs[0] = {at, end};
    at = end;
    return private_only ? 0 : 1;
  }
  if (scans_) {
    const size_t found = scan(at, end, private_only, scans_);
    if (scans_) return found;
  }
  if (end - at > kMostWithoutScan) {
    at = end;
    return 0;
  }
  return read_entries(at, end, private_only);
}

size_t MemoryMap::scan(uint64_t &at, uint64_t end, bool private_only, bool &possible) {
  auto *regions = reinterpret_cast<ScannedRegion *>(storage_.pages);
  ScanArguments arguments{};
  arguments.size = sizeof arguments;
  arguments.start = at;
  arguments.end = end;
  arguments.vec = reinterpret_cast<uint64_t>(regions);
  arguments.vec_len = kMostRuns;
  arguments.category_anyof_mask = arguments.return_mask = kIsPresent | kIsSwapped;
  if (private_only) arguments.category_inverted = arguments.category_mask = kIsFile;
  const int found = ioctl(pagemap_, kPagemapScan, &arguments);
  if (found < 0) {
    possible = false;
    return 0;
  }
  for (int i = 0; i < found; ++i) storage_.runs[i] = {regions[i].start, regions[i].end};
  // Where it ran out of room, walk_end may lie before what it has told.
  const uint64_t told = found ? storage_.runs[found - 1].end : 0;
  const uint64_t seen = std::max<uint64_t>(arguments.walk_end, told);
  at = seen > at ? seen : end;
  return static_cast<size_t>(found);
}

size_t MemoryMap::read_entries(uint64_t &at, uint64_t end, bool private_only) {
  const uint64_t wanted = std::min<uint64_t>((end - at) / kPage, std::size(storage_.pages));
  const ssize_t got =
      pread(pagemap_, storage_.pages, wanted * sizeof(uint64_t), static_cast<off_t>(at / kPage * sizeof(uint64_t)));
  if (got <= 0) {
    at = end;
    return 0;
  }
  const auto pages = static_cast<uint64_t>(got) / sizeof(uint64_t);
  Range *const runs = storage_.runs;
  size_t found = 0;
  for (uint64_t i = 0; i < pages; ++i, at += kPage) {
    const uint64_t entry = storage_.pages[i];
    if (!(entry & (kEntryPresent | kEntrySwapped)) || (private_only && entry & kEntryFile)) continue;
    if (found && runs[found - 1].end == at) {
      runs[found - 1].end = at + kPage;
    } else if (found == kMostRuns) {
      break;
    } else {
      runs[found++] = {at, at + kPage};
    }
  }
  return found;
}

}  // namespace ntemu::kd
