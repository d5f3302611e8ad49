// Writes a process as an ELF core file, sparse, without allocating and without a lock, so that it works in the child of
// a fork, in a fault handler, and on another process.
#pragma once

#include <sys/procfs.h>

#include <atomic>

#include "ntemu/kd/debugger_data.h"
#include "ntemu/kd/memory_map.h"

namespace ntemu::kd {

enum class DumpKind : uint32_t { kLive = 1, kBugcheck = 2, kOutside = 3 };

inline constexpr uint32_t kDumpVersion = 1;

// The contents of the note NTEMU of type kDumpNote. Later versions only add members.
struct DumpNote {
  uint32_t version, size;
  DumpKind kind;
  int32_t process;
  uint64_t bugcheck_code;
  uint64_t bugcheck_parameters[4];
  base::Nt100ns system_time;  // since 1601, UTC
  base::Nt100ns uptime;
  uint64_t debugger_data_address;  // of KdDebuggerDataBlock
  DebuggerData debugger_data;      // a copy of it
};

struct CoreThread {
  pid_t id;
  int signal;  // what ended it, 0 for nothing
  bool has_floating;
  elf_gregset_t registers;
  unsigned char floating[512];  // as FXSAVE stores it
};

// What the dump shows in the place of what is there.
struct Patch {
  uint64_t address;
  size_t size;
  unsigned char bytes[40];
};

struct CoreProgress {
  std::atomic<uint64_t> total, done;  // bytes of memory
};

struct CoreSource {
  pid_t memory;   // whose memory it is; 0: the caller's
  pid_t process;  // whose id the notes tell; files in /proc are looked up by it
  DumpNote note;
  size_t thread_count;
  // Thread `index`, the one to show first being 0; false leaves it out.
  bool (*thread)(const void *threads, size_t index, CoreThread &thread);
  const void *threads;
  Patch patches[2];
  CoreProgress *progress;  // may be null
};

struct CoreResult {
  int error;  // errno, 0: written
  uint64_t bytes;
  uint64_t unreadable;  // bytes of memory that could not be read
};

// `file` is empty and can be sought in.
CoreResult write_core(int file, const CoreSource &source);

// The notes, into `file` at `offset`, or only counted where that is -1; how long they are. For write_core.
struct NoteResult {
  int error;
  uint64_t bytes;
};
NoteResult write_notes(int file, uint64_t offset, const CoreSource &source, const MemoryMap &map, char *buffer,
                       size_t size);
// 0 or errno.
int write_at(int file, const void *bytes, size_t size, uint64_t offset);

}  // namespace ntemu::kd
