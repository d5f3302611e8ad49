// The notes of a core file: what the kernel's own core files have, and one of ours.
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ntemu/kd/core_file.h"

namespace ntemu::kd {
namespace {

class Notes {
 public:
  Notes(int file, uint64_t offset, char *buffer, size_t size)
      : file_(file), at_(offset), buffer_(buffer), size_(size) {}

  void begin(const char *name, uint32_t type, uint64_t size) {
    const Elf64_Nhdr header{static_cast<Elf64_Word>(std::strlen(name) + 1), static_cast<Elf64_Word>(size), type};
    put(&header, sizeof header);
    put(name, header.n_namesz);
    pad();
  }
  void put(const void *bytes, uint64_t size) {
    total_ += size;
    if (file_ < 0) return;
    const char *from = static_cast<const char *>(bytes);
    while (size) {
      if (used_ == size_) flush();
      const size_t now = std::min<uint64_t>(size, size_ - used_);
      std::memcpy(buffer_ + used_, from, now);
      used_ += now;
      from += now;
      size -= now;
    }
  }
  // To where the next begins.
  void pad() {
    const uint32_t zero = 0;
    put(&zero, -total_ % 4);
  }
  template <class T>
  void note(const char *name, uint32_t type, const T &contents) {
    begin(name, type, sizeof contents);
    put(&contents, sizeof contents);
    pad();
  }
  NoteResult end() {
    flush();
    return {error_, total_};
  }

 private:
  void flush() {
    if (file_ >= 0 && used_ && !error_) error_ = write_at(file_, buffer_, used_, at_);
    at_ += used_;
    used_ = 0;
  }

  const int file_;
  uint64_t at_;
  char *const buffer_;
  const size_t size_;
  size_t used_ = 0;
  uint64_t total_ = 0;
  int error_ = 0;
};

size_t read_proc(pid_t process, const char *name, void *buffer, size_t size) {
  char path[64];
  proc_path(path, process, name);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(file, static_cast<char *>(buffer) + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  close(file);
  return done;
}

void note_process(Notes &notes, const CoreSource &source) {
  elf_prpsinfo info{};
  info.pr_sname = 'R';
  info.pr_pid = source.process;
  info.pr_uid = getuid();
  info.pr_gid = getgid();
  const size_t name = read_proc(source.memory, "comm", info.pr_fname, sizeof info.pr_fname - 1);
  if (name && info.pr_fname[name - 1] == '\n') info.pr_fname[name - 1] = 0;
  const size_t length = read_proc(source.memory, "cmdline", info.pr_psargs, sizeof info.pr_psargs - 1);
  std::replace(info.pr_psargs, info.pr_psargs + (length ? length - 1 : 0), '\0', ' ');
  notes.note("CORE", NT_PRPSINFO, info);
}

void note_auxiliary_vector(Notes &notes, const CoreSource &source) {
  char vector[1024];
  const size_t size = read_proc(source.memory, "auxv", vector, sizeof vector);
  if (size == 0) return;
  notes.begin("CORE", NT_AUXV, size);
  notes.put(vector, size);
  notes.pad();
}

void note_files(Notes &notes, const MemoryMap &map) {
  uint64_t count = 0, text = 0;
  for (const Mapping &mapping : map) {
    if (!mapping.is_file()) continue;
    ++count;
    text += std::strlen(mapping.path) + 1;
  }
  notes.begin("CORE", NT_FILE, 2 * sizeof(uint64_t) + count * 3 * sizeof(uint64_t) + text);
  const uint64_t head[] = {count, kPage};
  notes.put(head, sizeof head);
  for (const Mapping &mapping : map) {
    const uint64_t row[] = {mapping.start, mapping.end, mapping.offset / kPage};
    if (mapping.is_file()) notes.put(row, sizeof row);
  }
  for (const Mapping &mapping : map) {
    if (mapping.is_file()) notes.put(mapping.path, std::strlen(mapping.path) + 1);
  }
  notes.pad();
}

// The processor time of a thread, which the host alone counts. All of it is in the kernel.
timeval processor_time(pid_t thread) {
  char text[64];
  const size_t size = read_proc(thread, "schedstat", text, sizeof text);
  int64_t nanoseconds = 0;
  for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i)
    nanoseconds = nanoseconds * 10 + (text[i] - '0');
  return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000 / 1000};
}

void note_thread_state(Notes &notes, const CoreThread &thread) {
  elf_prstatus status{};
  status.pr_pid = thread.id;
  status.pr_info.si_signo = thread.signal;
  status.pr_cursig = static_cast<short>(thread.signal);
  std::memcpy(status.pr_reg, thread.registers, sizeof status.pr_reg);
  status.pr_fpvalid = thread.has_floating;
  const timeval time = processor_time(thread.id);
  status.pr_stime.tv_sec = time.tv_sec;
  status.pr_stime.tv_usec = time.tv_usec;
  notes.note("CORE", NT_PRSTATUS, status);
}

void note_floating(Notes &notes, const CoreThread &thread) {
  if (thread.has_floating) notes.note("CORE", NT_PRFPREG, thread.floating);
}

}  // namespace

NoteResult write_notes(int file, uint64_t offset, const CoreSource &source, const MemoryMap &map, char *buffer,
                       size_t size) {
  Notes notes(file, offset, buffer, size);
  bool first = true;
  for (size_t i = 0; i < source.thread_count; ++i) {
    CoreThread thread{};
    if (!source.thread(source.threads, i, thread)) continue;
    note_thread_state(notes, thread);
    if (first) {  // readers expect the process's own behind its first thread
      note_process(notes, source);
      note_auxiliary_vector(notes, source);
      note_files(notes, map);
      notes.note("NTEMU", kDumpNote, source.note);
    }
    first = false;
    note_floating(notes, thread);
  }
  return notes.end();
}

}  // namespace ntemu::kd
