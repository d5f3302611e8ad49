#include "ntemu/kd/dump.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

#include "ntemu/ke/freeze.h"
#include "ntemu/ke/ke.h"
#include "ntemu/ps/process.h"

namespace ntemu::kd {
namespace {

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void convert(const gregset_t &from, uint64_t thread_pointer, elf_gregset_t &to) {
  constexpr int kOrder[][2] = {{R15, REG_R15}, {R14, REG_R14},    {R13, REG_R13}, {R12, REG_R12}, {RBP, REG_RBP},
                               {RBX, REG_RBX}, {R11, REG_R11},    {R10, REG_R10}, {R9, REG_R9},   {R8, REG_R8},
                               {RAX, REG_RAX}, {RCX, REG_RCX},    {RDX, REG_RDX}, {RSI, REG_RSI}, {RDI, REG_RDI},
                               {RIP, REG_RIP}, {EFLAGS, REG_EFL}, {RSP, REG_RSP}};
  std::memset(to, 0, sizeof to);
  for (const auto &[elf, context] : kOrder) to[elf] = static_cast<unsigned long long>(from[context]);
  to[ORIG_RAX] = ~0ull;
  to[CS] = 0x33;
  to[SS] = 0x2b;
  to[FS_BASE] = thread_pointer;
}

// What a dump of this process takes its threads from.
struct OwnThreads {
  ke::FrozenWorld world;
  int signal;  // of the first
};

bool give_own_thread(const void *threads, size_t index, CoreThread &thread) {
  const auto &own = *static_cast<const OwnThreads *>(threads);
  const ke::FrozenThread &frozen = own.world.threads[index];
  if (frozen.stopped == ke::Stopped::kGone) return false;
  thread.id = frozen.id;
  thread.signal = index == 0 ? own.signal : 0;
  if (frozen.has_registers) convert(frozen.registers, frozen.thread_pointer, thread.registers);
  thread.has_floating = frozen.has_floating;
  if (frozen.has_floating) std::memcpy(thread.floating, frozen.floating, sizeof thread.floating);
  return true;
}

CoreSource describe_self(DumpKind kind, const OwnThreads &threads, DumpResult &result) {
  CoreSource source{};
  source.process = getpid();
  source.note = make_note(kind, source.process, KdDebuggerDataBlock, reinterpret_cast<uint64_t>(&KdDebuggerDataBlock));
  source.note.system_time = base::clock().system_time();
  source.note.uptime = base::clock().interrupt_time();
  source.thread_count = threads.world.count;
  source.thread = give_own_thread;
  source.threads = &threads;
  result.running = static_cast<uint32_t>(threads.world.running);
  for (size_t i = 0; i < threads.world.count; ++i)
    result.threads += threads.world.threads[i].stopped != ke::Stopped::kGone;
  return source;
}

const LIST_ENTRY *thread_list() {
  return PsInitialSystemProcess ? &PsInitialSystemProcess->Pcb.ThreadListHead : nullptr;
}

// What the child of a live dump leaves to its parent.
struct Shared {
  CoreResult written;
  std::atomic<bool> ended;
};

template <class T>
T *map_shared() {
  void *pages = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : new (pages) T{};
}

void close_all_but(int file) {
  if (file > 0) syscall(SYS_close_range, 0u, static_cast<unsigned>(file - 1), 0u);
  syscall(SYS_close_range, static_cast<unsigned>(file + 1), ~0u, 0u);
}

// In the child, which has this one thread and the memory as it was. Locks of others are held for ever here.
[[noreturn]] void write_in_child(pid_t parent, int file, const CoreSource &source, Shared &shared) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  signal(SIGXFSZ, SIG_IGN);
  close_all_but(file);  // the machine's directory is locked by one of them
  shared.written = write_core(file, source);
  shared.ended.store(true);
  _exit(0);
}

// The child, or -1 and errno. It sends no signal at its end, and nobody else's wait finds it.
pid_t fork_silently() { return static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr)); }

CoreResult await(pid_t child, const Shared &shared) {
  int status = 0;
  while (waitpid(child, &status, __WALL) < 0 && errno == EINTR) {
  }
  if (shared.ended.load()) return shared.written;
  return {WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ ? EFBIG : ECHILD, 0, 0};
}

// Where the frame that `context` is in, and those below it, stay until the child has its copy.
__attribute__((noinline)) CoreResult write_by_child(int file, const DumpOptions &options, Shared &shared,
                                                    DumpResult &result) {
  ucontext_t context;
  getcontext(&context);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of the host's is to run in the child
  const int64_t began = now();
  const pid_t self = getpid();
  OwnThreads threads{};
  if (!ke::freeze_world(thread_list(), context, threads.world)) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {EBUSY, 0, 0};
  }
  CoreSource source = describe_self(DumpKind::kLive, threads, result);
  source.progress = options.progress;
  source.note.bugcheck_code = kLiveDumpCode;
  source.note.bugcheck_parameters[0] = kLiveDumpParameter;
  patch_stop(source);
  const pid_t child = fork_silently();
  if (child == 0) write_in_child(self, file, source, shared);
  const int error = errno;
  ke::thaw_world();
  result.pause = now() - began;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child < 0 ? CoreResult{error, 0, 0} : await(child, shared);
}

}  // namespace

CoreProgress *make_progress() { return map_shared<CoreProgress>(); }
void free_progress(CoreProgress *progress) {
  if (progress) munmap(progress, sizeof *progress);
}

DumpResult write_live_dump(const DumpOptions &options) {
  DumpResult result;
  DumpFile file;
  if ((result.error = file.begin(options.path, result.message))) return result;
  auto *shared = map_shared<Shared>();
  if (!shared) {
    finish(file, options, {ENOMEM, 0, 0}, result);
    return result;
  }
  const CoreResult written = write_by_child(file.descriptor(), options, *shared, result);
  munmap(shared, sizeof *shared);
  finish(file, options, written, result);
  return result;
}

DumpResult write_bugcheck_dump(const char *path, const ke::Bugcheck &stop, const ucontext_t *trap, unsigned keep) {
  DumpResult result;
  ucontext_t own;
  getcontext(&own);
  signal(SIGXFSZ, SIG_IGN);
  OwnThreads threads{};
  if (!ke::freeze_world(thread_list(), trap ? *trap : own, threads.world)) {
    result.error = EBUSY;
    result.message << "no dump: another thread has stopped the machine";
    return result;
  }
  threads.signal = SIGABRT;
  DumpFile file;
  const DumpOptions options{path, keep, nullptr};
  if ((result.error = file.begin(path, result.message))) return result;
  CoreSource source = describe_self(DumpKind::kBugcheck, threads, result);
  source.note.bugcheck_code = stop.code;
  for (int i = 0; i < 4; ++i) source.note.bugcheck_parameters[i] = stop.parameters[i];
  patch_stop(source);
  finish(file, options, write_core(file.descriptor(), source), result);
  return result;
}

}  // namespace ntemu::kd
