// Dumps of the machine: ELF core files that gdb, lldb and kd open.
#pragma once

#include <ucontext.h>

#include "ntemu/kd/core_file.h"
#include "ntemu/kd/dump_file.h"
#include "ntemu/ke/bugcheck.h"

namespace ntemu::kd {

// The bugcheck that live dumps show, as Task Manager's do.
inline constexpr ULONG kLiveDumpCode = 0x161;
inline constexpr ULONG_PTR kLiveDumpParameter = 0x5461736B6D6772;  // "Taskmgr"

struct DumpResult {
  int error = 0;              // errno; 0: the dump is there
  Message message;            // what went wrong, with the path
  uint64_t bytes = 0;         // the file's length
  uint64_t stored_bytes = 0;  // what it takes on the disk
  uint32_t threads = 0;
  uint32_t running = 0;     // of them those that could not be stopped: they have no registers
  uint64_t unreadable = 0;  // bytes of memory
  int64_t pause = 0;        // nanoseconds from the freeze to the thaw
};

struct DumpOptions {
  const char *path;
  unsigned keep = kKeptDumps;        // see DumpFile::commit
  CoreProgress *progress = nullptr;  // in memory that the processes share: make_progress
};

// Progress that the child of a live dump tells its parent; null without memory.
CoreProgress *make_progress();
void free_progress(CoreProgress *progress);

// Dumps the machine, which stands still only while the process is frozen and forked; the child writes. Waits for the
// end. Code 0x161; the machine's own KiBugCheckData stay as they are. On any thread of the process, below
// DISPATCH_LEVEL, without a lock that a driver's thread may want. EBUSY when another thread has the world frozen.
DumpResult write_live_dump(const DumpOptions &options);

// Dumps the machine that has stopped with `stop`. For the thread that ends it, at any IRQL, also inside a handler of
// SIGSEGV and the like on an alternate stack of at least 32 KB: it allocates nothing with malloc (but maps pages of its
// own), takes no lock, and uses no stdio. `trap`: the registers to show as the thread's, those the handler was given;
// null: the caller's own. SIGXFSZ is ignored from here on, so that a limit of the file size is an error.
//
// The world stays frozen afterwards, so that nothing goes on in a machine that has stopped. Whoever returns from here
// may only use what needs no lock of others (write, unlink, _exit; not malloc, stdio, base::log), or calls
// ke::thaw_world first. EBUSY, with the world not frozen by this call, when another thread has it frozen and does not
// thaw it within some seconds.
DumpResult write_bugcheck_dump(const char *path, const ke::Bugcheck &stop, const ucontext_t *trap,
                               unsigned keep = kKeptDumps);

// Dumps a machine in another process, which is stopped with ptrace meanwhile and need not answer. Code 0x161.
DumpResult write_outside_dump(pid_t process, const DumpOptions &options);

// The note of a dump of the machine that `data` belongs to, without a bugcheck.
DumpNote make_note(DumpKind kind, pid_t process, const DebuggerData &data, uint64_t data_address);
// What the dump shows as KiBugCheckData and KeTickCount.
void patch_stop(CoreSource &source);
// Completes the file, or tells why it cannot be.
void finish(DumpFile &file, const DumpOptions &options, const CoreResult &written, DumpResult &result);

}  // namespace ntemu::kd
