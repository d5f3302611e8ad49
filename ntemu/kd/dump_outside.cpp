// A dump of a machine that does not answer: from another process, with ptrace.
#include <dirent.h>
#include <elf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ntemu/kd/dump.h"

namespace ntemu::kd {
namespace {

constexpr int kPasses = 4;  // a thread that was not stopped yet may have made another
constexpr long kStopMilliseconds = 500;

// The threads of a process, stopped until this goes.
class Tracees {
 public:
  explicit Tracees(pid_t process) : process_(process) {}
  ~Tracees() {
    for (const pid_t id : stopped_) ptrace(PTRACE_DETACH, id, nullptr, nullptr);
    // One that did not stop is let go by the end of this thread.
  }
  Tracees(const Tracees &) = delete;
  Tracees &operator=(const Tracees &) = delete;

  // 0, or errno when not one could be stopped.
  int stop_all() {
    int error = ESRCH;
    for (int pass = 0; pass < kPasses; ++pass) {
      const std::vector<pid_t> fresh = new_threads();
      if (fresh.empty()) break;
      std::vector<pid_t> seized;
      for (const pid_t id : fresh) {
        known_.push_back(id);
        if (ptrace(PTRACE_SEIZE, id, nullptr, nullptr) == 0) {
          ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr);
          seized.push_back(id);
        } else if (errno != ESRCH) {
          error = errno;
        }
      }
      await(seized);
    }
    return stopped_.empty() ? error : 0;
  }

  const std::vector<pid_t> &stopped() const { return stopped_; }
  size_t running() const { return running_; }

 private:
  std::vector<pid_t> new_threads() const {
    std::vector<pid_t> fresh;
    DIR *tasks = opendir(("/proc/" + std::to_string(process_) + "/task").c_str());
    if (!tasks) return fresh;
    while (const dirent *entry = readdir(tasks)) {
      const int id = std::atoi(entry->d_name);
      if (id > 0 && std::find(known_.begin(), known_.end(), id) == known_.end()) fresh.push_back(id);
    }
    closedir(tasks);
    return fresh;
  }

  // A thread that sleeps in the host's kernel for good, uninterruptibly, is not waited for.
  void await(std::vector<pid_t> pending) {
    for (long waited = 0; !pending.empty() && waited < kStopMilliseconds; ++waited) {
      std::erase_if(pending, [this](pid_t id) {
        int status = 0;
        const pid_t got = waitpid(id, &status, __WALL | WNOHANG);
        if (got == id && WIFSTOPPED(status)) stopped_.push_back(id);
        return got != 0;
      });
      if (!pending.empty()) usleep(1000);
    }
    running_ += pending.size();
  }

  const pid_t process_;
  std::vector<pid_t> known_, stopped_;
  size_t running_ = 0;
};

bool give_tracee(const void *threads, size_t index, CoreThread &thread) {
  thread.id = static_cast<const Tracees *>(threads)->stopped()[index];
  iovec general{&thread.registers, sizeof thread.registers};
  if (ptrace(PTRACE_GETREGSET, thread.id, NT_PRSTATUS, &general) != 0) return false;
  iovec floating{thread.floating, sizeof thread.floating};
  thread.has_floating = ptrace(PTRACE_GETREGSET, thread.id, NT_PRFPREG, &floating) == 0;
  return true;
}

// What the note in the kernel's image leads to. 0 for a process without one.
uint64_t find_debugger_data(const MemoryMap &map) {
  for (const Mapping &mapping : map) {
    const std::string_view path = mapping.path;
    Elf64_Ehdr header;
    if (mapping.offset != 0 || !path.ends_with("/libntoskrnl.so") ||
        map.read(mapping.start, &header, sizeof header) != sizeof header)
      continue;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (map.read(mapping.start + header.e_phoff + i * sizeof segment, &segment, sizeof segment) != sizeof segment ||
          segment.p_type != PT_NOTE || segment.p_filesz > (1 << 16))
        continue;
      std::vector<char> notes(segment.p_filesz);
      notes.resize(map.read(mapping.start + segment.p_vaddr, notes.data(), notes.size()));
      const uint64_t align = segment.p_align == 8 ? 8 : 4;
      const auto round = [align](uint64_t size) { return (size + align - 1) / align * align; };
      for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
        Elf64_Nhdr note;
        std::memcpy(&note, notes.data() + at, sizeof note);
        const uint64_t name = at + sizeof note, contents = name + round(note.n_namesz);
        at = contents + round(note.n_descsz);
        if (at > notes.size()) break;
        if (note.n_type != kImageNote || note.n_namesz != sizeof "NTEMU" || note.n_descsz != sizeof(int64_t) ||
            std::memcmp(notes.data() + name, "NTEMU", sizeof "NTEMU") != 0)
          continue;
        int64_t distance;
        std::memcpy(&distance, notes.data() + contents, sizeof distance);
        const uint64_t pointer = mapping.start + segment.p_vaddr + contents + static_cast<uint64_t>(distance);
        uint64_t data = 0;
        return map.read(pointer, &data, sizeof data) == sizeof data ? data : 0;
      }
    }
  }
  return 0;
}

// The kernel's own data, read from the other process.
int read_debugger_data(pid_t process, DebuggerData &data, uint64_t &address) {
  const auto storage = std::make_unique<MemoryMap::Storage>();
  MemoryMap map(*storage);
  if (const int error = map.open(process)) return error;
  address = find_debugger_data(map);
  if (!address || map.read(address, &data, sizeof data) != sizeof data || std::memcmp(data.tag, "KDBG", 4) != 0)
    return ENOEXEC;
  return 0;
}

}  // namespace

DumpResult write_outside_dump(pid_t process, const DumpOptions &options) {
  DumpResult result;
  DumpFile file;
  if ((result.error = file.begin(options.path, result.message))) return result;
  const auto refuse = [&](const char *what, int error) {
    result.error = error;
    (result.message << what << " process " << static_cast<uint64_t>(process) << ": ").add_error(error);
    if (error == EPERM)
      result.message << " (is it another user's, or debugged already, or does ptrace_scope forbid it?)";
    return result;
  };
  timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  Tracees tracees(process);
  if (const int error = tracees.stop_all()) return refuse("cannot stop", error);
  DebuggerData data{};
  uint64_t address = 0;
  const int error = read_debugger_data(process, data, address);
  if (error == ENOEXEC) {
    result.error = error;
    result.message << "process " << static_cast<uint64_t>(process) << " is no machine";
    return result;
  }
  if (error) return refuse("cannot read the memory of", error);

  CoreSource source{};
  source.memory = source.process = process;
  source.note = make_note(DumpKind::kOutside, process, data, address);
  source.note.bugcheck_code = kLiveDumpCode;
  source.note.bugcheck_parameters[0] = kLiveDumpParameter;
  source.thread_count = tracees.stopped().size();
  source.thread = give_tracee;
  source.threads = &tracees;
  source.progress = options.progress;
  patch_stop(source);
  result.threads = static_cast<uint32_t>(source.thread_count + tracees.running());
  result.running = static_cast<uint32_t>(tracees.running());
  finish(file, options, write_core(file.descriptor(), source), result);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  result.pause = (ended.tv_sec - began.tv_sec) * int64_t{1'000'000'000} + ended.tv_nsec - began.tv_nsec;
  return result;
}

}  // namespace ntemu::kd
