// The file of a dump: written under a temporary name, renamed when it is complete, older ones kept. Nothing here
// allocates or locks.
#pragma once

#include <sys/types.h>

#include <climits>
#include <cstddef>
#include <cstdint>

namespace ntemu::kd {

inline constexpr const char *kDumpName = "MEMORY.DMP";
inline constexpr unsigned kKeptDumps = 3;

// A line of text of limited length.
class Message {
 public:
  Message &operator<<(const char *text);
  Message &operator<<(uint64_t number);
  // What errno `error` means.
  Message &add_error(int error);
  const char *text() const { return text_; }

 private:
  char text_[512] = {};
  size_t used_ = 0;
};

class DumpFile {
 public:
  DumpFile() = default;
  ~DumpFile() { discard(); }
  DumpFile(const DumpFile &) = delete;
  DumpFile &operator=(const DumpFile &) = delete;

  // Makes PATH.tmp, with mode 0600. 0, or errno with the reason in `message`; EBUSY when a dump is being written there.
  int begin(const char *path, Message &message);
  int descriptor() const { return file_; }
  // Gives it its name. A file that has it becomes PATH.1, that one PATH.2, up to PATH.`keep`; 0 keeps none.
  int commit(unsigned keep, Message &message);
  // Removes what was begun and is not complete.
  void discard();

 private:
  int rotate(unsigned keep);

  int file_ = -1;
  char path_[PATH_MAX], temporary_[PATH_MAX], from_[PATH_MAX], to_[PATH_MAX];
};

}  // namespace ntemu::kd
