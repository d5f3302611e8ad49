// What a dump says of itself, and its file once it is written: for every writer, also those that are no machine.
#include <sys/stat.h>

#include <cstring>
#include <ctime>

#include "ntemu/kd/dump.h"
#include "ntemu/ke/ke.h"

namespace ntemu::kd {

DumpNote make_note(DumpKind kind, pid_t process, const DebuggerData &data, uint64_t data_address) {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  DumpNote note{};
  note.version = kDumpVersion;
  note.size = sizeof note;
  note.kind = kind;
  note.process = process;
  note.system_time = int64_t{time.tv_sec} * base::kNtPerSecond + time.tv_nsec / 100 + base::kUnixEpoch;
  note.uptime = note.system_time - data.boot_time;
  note.debugger_data_address = data_address;
  note.debugger_data = data;
  return note;
}

void patch_stop(CoreSource &source) {
  const DumpNote &note = source.note;
  const ULONG_PTR stop[5] = {note.bugcheck_code, note.bugcheck_parameters[0], note.bugcheck_parameters[1],
                             note.bugcheck_parameters[2], note.bugcheck_parameters[3]};
  const auto ticks = static_cast<uint64_t>(note.uptime / ke::kTimeIncrement);
  const TickCount count{static_cast<ULONG>(ticks), static_cast<LONG>(ticks >> 32), static_cast<LONG>(ticks >> 32)};
  static_assert(sizeof stop <= sizeof(Patch::bytes));
  const auto patch = [](Patch &to, const void *address, const void *bytes, size_t size) {
    to.address = reinterpret_cast<uint64_t>(address);
    to.size = size;
    std::memcpy(to.bytes, bytes, size);
  };
  patch(source.patches[0], note.debugger_data.KiBugCheckData, stop, sizeof stop);
  patch(source.patches[1], note.debugger_data.KeTickCount, &count, sizeof count);
}

void finish(DumpFile &file, const DumpOptions &options, const CoreResult &written, DumpResult &result) {
  result.error = written.error;
  if (written.error) {
    (result.message << "cannot write " << options.path << ": ").add_error(written.error);
    file.discard();
    return;
  }
  struct stat info;
  if (fstat(file.descriptor(), &info) == 0) result.stored_bytes = static_cast<uint64_t>(info.st_blocks) * 512;
  result.bytes = written.bytes;
  result.unreadable = written.unreadable;
  result.error = file.commit(options.keep, result.message);
}

}  // namespace ntemu::kd
