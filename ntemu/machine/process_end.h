// The end of a process that is not ours to wait for.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace ntemu::machine {

class ProcessEnd {
 public:
  // While the process is known to be there: later, its number may be another's.
  explicit ProcessEnd(int pid) : pid_(pid), fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~ProcessEnd() {
    if (fd_ >= 0) close(fd_);
  }
  ProcessEnd(const ProcessEnd &) = delete;
  ProcessEnd &operator=(const ProcessEnd &) = delete;
  void await() const {
    pollfd fd{fd_, POLLIN, 0};
    if (fd_ >= 0) {
      while (poll(&fd, 1, -1) < 0) {
      }
    } else {  // a kernel without such descriptors, or the process has ended already
      while (kill(pid_, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  const int pid_;
  const int fd_;
};

}  // namespace ntemu::machine
