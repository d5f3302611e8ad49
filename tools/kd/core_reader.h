// An ELF core file, of which nothing is believed before it is checked: it may be cut off or damaged.
#pragma once

#include <elf.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ntemu/kd/core_file.h"
#include "tools/kd/failure.h"
#include "tools/kd/images.h"
#include "tools/kd/memory.h"
#include "tools/kd/registers.h"

namespace ntemu::debug {

// A mapping of a file.
struct FileMapping {
  Address start = 0, end = 0;
  uint64_t offset = 0;
  std::string path;
};

class CoreReader : public MemorySource {
 public:
  CoreReader() = default;
  ~CoreReader() override;
  CoreReader(const CoreReader &) = delete;
  CoreReader &operator=(const CoreReader &) = delete;

  std::optional<Failure> open(const std::filesystem::path &file);
  // From the core, or where it has none, from a file that was mapped there and is still the same.
  size_t read(Address address, void *buffer, size_t size) override;

  const std::optional<kd::DumpNote> &note() const { return note_; }
  const std::vector<FileMapping> &files() const { return files_; }
  const std::vector<std::pair<pid_t, Registers>> &threads() const { return threads_; }
  // Microseconds of processor time; by the threads' ids.
  const std::map<pid_t, int64_t> &times() const { return times_; }
  // The core's own words of what is wrong with it.
  const std::vector<std::string> &problems() const { return problems_; }

 private:
  struct Segment {
    Address start;
    uint64_t memory_size, file_size, offset;
  };
  // A file that was mapped, opened if it is the same.
  struct Source {
    int descriptor = -1;
  };

  bool read_file(void *buffer, size_t size, uint64_t offset) const;
  void read_notes(uint64_t offset, uint64_t size);
  void take_note(const Elf64_Nhdr &note, std::string_view name, const uint8_t *contents);
  void take_files(const uint8_t *contents, size_t size);
  size_t read_segment(Address address, void *buffer, size_t size) const;
  size_t read_mapped(Address address, void *buffer, size_t size);
  Source &source_of(const FileMapping &mapping);

  int file_ = -1;
  uint64_t length_ = 0;
  std::vector<Segment> segments_;  // by address
  std::vector<FileMapping> files_;
  std::vector<std::pair<pid_t, Registers>> threads_;
  std::map<pid_t, int64_t> times_;
  std::optional<kd::DumpNote> note_;
  std::vector<std::string> problems_;
  std::map<std::string, Source> sources_;
};

}  // namespace ntemu::debug
