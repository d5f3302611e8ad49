// The memory of a process, this one or another, as a dump looks at it: its mappings, and which pages have been touched.
// Nothing here allocates; the storage is the caller's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace ntemu::kd {

constexpr uint64_t kPage = 4096;

struct Mapping {
  uint64_t start, end;
  uint64_t offset;   // in the file
  const char *path;  // "" for anonymous memory
  bool readable, writable, executable, shared;

  // Not memory that only looks like one.
  bool is_file() const;
};

struct Range {
  uint64_t start, end;
};

class MemoryMap {
 public:
  static constexpr size_t kMostMappings = 1 << 17;
  static constexpr size_t kMostText = 16 << 20;
  static constexpr size_t kMostRuns = 1024;
  // What the look needs; zeroed pages.
  struct Storage {
    Mapping mappings[kMostMappings];
    char text[kMostText];
    char line_buffer[64 << 10];
    uint64_t pages[kMostRuns * 8];
    Range runs[kMostRuns];
  };

  // Without `scans` as on a kernel that does not know PAGEMAP_SCAN.
  explicit MemoryMap(Storage &storage, bool scans = true) : storage_(storage), scans_(scans) {}
  ~MemoryMap();
  MemoryMap(const MemoryMap &) = delete;
  MemoryMap &operator=(const MemoryMap &) = delete;

  // `process` 0: the calling one. 0, or errno.
  int open(pid_t process);
  const Mapping *begin() const { return storage_.mappings; }
  const Mapping *end() const { return storage_.mappings + count_; }

  // Copies memory, also what the process itself may not read. How much of it could be read before the first byte that
  // could not.
  size_t read(uint64_t address, void *buffer, size_t size) const;

  // Calls take(Range) for each run of pages in [start, end) that have contents of their own; with `private_only` those
  // of a file that are as in the file do not count. Runs may touch each other.
  template <class Take>
  void for_each_run(uint64_t start, uint64_t end, bool private_only, const Take &take) {
    for (uint64_t at = start; at < end;) {
      const size_t found = look(at, end, private_only);
      for (size_t i = 0; i < found; ++i) take(storage_.runs[i]);
    }
  }

 private:
  // Looks at pages from `at` on, which moves behind those it has seen.
  size_t look(uint64_t &at, uint64_t end, bool private_only);
  size_t scan(uint64_t &at, uint64_t end, bool private_only, bool &possible);
  size_t read_entries(uint64_t &at, uint64_t end, bool private_only);
  int parse(int maps);
  bool take_line(char *line);

  Storage &storage_;
  size_t count_ = 0;
  size_t text_used_ = 0;
  int memory_ = -1;
  int pagemap_ = -1;
  bool scans_;  // the kernel knows PAGEMAP_SCAN (Linux 6.7), which does not look at each page that is not there
};

// "/proc/PID/name", of the calling thread for 0, into `path`.
void proc_path(char (&path)[64], pid_t process, const char *name);

}  // namespace ntemu::kd
