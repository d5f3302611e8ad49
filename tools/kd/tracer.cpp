#include "tools/kd/tracer.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>
#include <vector>

namespace ntemu::debug {
namespace {

constexpr int64_t kPatience = 2'000'000'000;  // nanoseconds, for a thread that sleeps in the host's kernel
constexpr int64_t kPause = 20'000;

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::vector<pid_t> &late_threads() {
  static std::vector<pid_t> all;
  return all;
}

pid_t tracer_of(pid_t id) {
  std::ifstream status(fmt::format("/proc/{}/status", id));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("TracerPid:")) return std::atoi(line.c_str() + std::strlen("TracerPid:"));
  }
  return 0;
}

}  // namespace

std::string explain_refusal(pid_t pid, int error) {
  if (error == ESRCH || error == ENOENT) return fmt::format("process {} has ended", pid);
  if (error != EPERM && error != EACCES) return fmt::format("process {}: {}", pid, std::strerror(error));
  if (const pid_t tracer = tracer_of(pid))
    return fmt::format("process {} is being debugged by process {}", pid, tracer);
  std::string text =
      fmt::format("process {} may not be looked into: it is another user's, or has other capabilities", pid);
  std::ifstream scope("/proc/sys/kernel/yama/ptrace_scope");
  int value = 0;
  if (scope >> value && value > 0) text += fmt::format(" (or kernel.yama.ptrace_scope, {}, forbids it)", value);
  return text;
}

Result<StoppedThread> StoppedThread::stop(pid_t id) {
  auto thread = ask(id);
  if (!thread) return thread;
  if (auto failure = thread->await()) return std::move(*failure);
  return thread;
}

Result<StoppedThread> StoppedThread::ask(pid_t id) {
  if (ptrace(PTRACE_SEIZE, id, nullptr, nullptr) != 0) return Failure{explain_refusal(id, errno)};
  StoppedThread thread(id);
  if (ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr) != 0) return Failure{explain_refusal(id, errno)};
  return thread;
}

std::optional<Failure> StoppedThread::await() const {
  for (const int64_t end = now() + kPatience;;) {
    int status = 0;
    const pid_t got = waitpid(id_, &status, __WALL | WNOHANG);
    if (got == id_ && WIFSTOPPED(status)) return std::nullopt;
    if (got < 0 && errno != EINTR) return Failure{explain_refusal(id_, errno)};
    if (got == id_) return Failure{fmt::format("thread {} has ended", id_)};
    if (now() > end) return Failure{fmt::format("thread {} cannot be stopped: it sleeps in the host's kernel", id_)};
    const timespec pause{0, kPause};
    nanosleep(&pause, nullptr);
  }
}

StoppedThread::StoppedThread(StoppedThread &&other) noexcept : id_(std::exchange(other.id_, 0)) {}

StoppedThread &StoppedThread::operator=(StoppedThread &&other) noexcept {
  std::swap(id_, other.id_);
  return *this;
}

StoppedThread::~StoppedThread() {
  // One that has not stopped yet cannot be let go.
  if (id_ && ptrace(PTRACE_DETACH, id_, nullptr, nullptr) != 0) late_threads().push_back(id_);
}

void StoppedThread::release_late() {
  std::erase_if(late_threads(), [](pid_t id) {
    int status = 0;
    const pid_t got = waitpid(id, &status, __WALL | WNOHANG);
    if (got == id && WIFSTOPPED(status)) ptrace(PTRACE_DETACH, id, nullptr, nullptr);
    return got != 0;
  });
}

Result<Registers> StoppedThread::registers() const {
  elf_gregset_t set;
  iovec place{set, sizeof set};
  if (ptrace(PTRACE_GETREGSET, id_, NT_PRSTATUS, &place) != 0) return Failure{explain_refusal(id_, errno)};
  return Registers::from(set);
}

bool StoppedThread::describe(kd::CoreThread &thread) const {
  thread.id = id_;
  iovec general{&thread.registers, sizeof thread.registers};
  if (ptrace(PTRACE_GETREGSET, id_, NT_PRSTATUS, &general) != 0) return false;
  iovec floating{thread.floating, sizeof thread.floating};
  thread.has_floating = ptrace(PTRACE_GETREGSET, id_, NT_PRFPREG, &floating) == 0;
  return true;
}

}  // namespace ntemu::debug
