// Threads of another process, stopped with ptrace for a moment or for as long as one looks.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>

#include "ntemu/kd/core_file.h"
#include "tools/kd/failure.h"
#include "tools/kd/registers.h"

namespace ntemu::debug {

// Why this program may not look into process `pid`, after a call that failed with `error`.
std::string explain_refusal(pid_t pid, int error);

class StoppedThread {
 public:
  // Stops thread `id`.
  static Result<StoppedThread> stop(pid_t id);
  // Asks it to stop; `await` returns when it has. So that many stop at once.
  static Result<StoppedThread> ask(pid_t id);
  std::optional<Failure> await() const;
  StoppedThread(StoppedThread &&other) noexcept;
  StoppedThread &operator=(StoppedThread &&other) noexcept;
  // Lets it go on.
  ~StoppedThread();

  // Lets those go on that have stopped only after nobody waited for them any more.
  static void release_late();

  pid_t id() const { return id_; }
  Result<Registers> registers() const;
  // As a dump has them.
  bool describe(kd::CoreThread &thread) const;

 private:
  explicit StoppedThread(pid_t id) : id_(id) {}
  pid_t id_;
};

}  // namespace ntemu::debug
