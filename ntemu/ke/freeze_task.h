// What a freeze looks up of its own process's threads, without a lock or an allocation: for freeze.cpp.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

extern "C" const void *const KiSwapContextResume __attribute__((visibility("hidden")));  // behind its system call

namespace ntemu::ke {

// As swap_context.S pushes them.
struct SavedRegisters {
  uint64_t r15, r14, r13, r12, rbx, rbp, back;

  // The registers of the thread that saved these at `at`.
  void give(uint64_t at, gregset_t &registers) const {
    std::memset(registers, 0, sizeof registers);
    const auto set = [&registers](int which, uint64_t value) { registers[which] = static_cast<greg_t>(value); };
    set(REG_R15, r15);
    set(REG_R14, r14);
    set(REG_R13, r13);
    set(REG_R12, r12);
    set(REG_RBX, rbx);
    set(REG_RBP, rbp);
    set(REG_RSP, at);
    set(REG_RIP, reinterpret_cast<uint64_t>(KiSwapContextResume));
    set(REG_EFL, 0x246);
    set(REG_CSGSFS, uint64_t{0x2b} << 48 | 0x33);
  }
};

// False when /proc cannot be read.
template <class Take>
bool for_each_task(char *buffer, size_t size, const Take &take) {
  constexpr size_t kLength = 16, kName = 19;  // in struct linux_dirent64
  const int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0) return false;
  for (;;) {
    const long got = syscall(SYS_getdents64, tasks, buffer, size);
    if (got <= 0) break;
    for (long at = 0; at < got;) {
      const char *entry = buffer + at;
      uint16_t length;
      std::memcpy(&length, entry + kLength, sizeof length);
      pid_t id = 0;
      for (const char *c = entry + kName; *c >= '0' && *c <= '9'; ++c) id = id * 10 + (*c - '0');
      if (id) take(id);
      at += length;
    }
  }
  close(tasks);
  return true;
}

struct TaskStatus {
  bool blocks_signal;
  bool uninterruptible;  // sleeps in the host's kernel, where no signal gets it out
};

inline TaskStatus status_of_task(pid_t id, int signal) {
  char path[64] = "/proc/self/task/", text[2048];
  char digits[16];
  int length = 0;
  for (pid_t rest = id; rest; rest /= 10) digits[length++] = static_cast<char>('0' + rest % 10);
  char *end = path + std::strlen(path);
  while (length) *end++ = digits[--length];
  std::strcpy(end, "/status");
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return {};
  text[got] = 0;
  const char *state = std::strstr(text, "State:\t");
  TaskStatus status{false, state && state[7] == 'D'};
  const char *mask = std::strstr(text, "SigBlk:\t");
  if (!mask) return status;
  uint64_t blocked = 0;
  for (mask += 8; *mask && *mask != '\n'; ++mask)
    blocked = blocked << 4 | static_cast<uint64_t>(*mask <= '9' ? *mask - '0' : *mask - 'a' + 10);
  // The C library blocks its own signal 32 only with all others, for a moment, where a thread begins or ends.
  status.blocks_signal = (blocked >> (signal - 1) & 1) && !(blocked >> 31 & 1);
  return status;
}

}  // namespace ntemu::ke
