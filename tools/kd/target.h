// The machine that is looked at: a process, which runs on meanwhile, or a dump.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ntemu/kd/core_file.h"
#include "ntemu/kd/debugger_data.h"
#include "tools/kd/core_reader.h"
#include "tools/kd/failure.h"
#include "tools/kd/memory.h"
#include "tools/kd/module.h"
#include "tools/kd/registers.h"
#include "tools/kd/walk.h"

namespace ntemu::debug {

struct Process {
  Address address = 0;  // of the EPROCESS
  uint64_t id = 0;
  std::string name;
};

// What debuggers ask of each thread; the rest is in the ETHREAD.
struct Thread {
  Address address = 0;  // of the ETHREAD
  Process process;
  uint64_t id = 0;
  pid_t host_id = 0;
  Address kernel_stack = 0;  // where the registers are while it waits; 0: it runs
  uint8_t state = 0;         // KTHREAD_STATE
  uint8_t wait_reason = 0;   // KWAIT_REASON
  uint32_t context_switches = 0;
};

// A thread's registers, and its stack from there on, at one moment.
struct ThreadState {
  Registers registers;
  bool running = false;
  Address stack_start = 0;
  std::vector<std::byte> stack;
};

class StoppedThread;

class Target {
 public:
  // Process `pid`, a machine.
  static Result<std::unique_ptr<Target>> open_process(pid_t pid);
  static Result<std::unique_ptr<Target>> open_dump(const std::filesystem::path &file);
  virtual ~Target() = default;
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;

  virtual bool live() const = 0;
  virtual pid_t process() const = 0;
  // "process 1234", or the dump's path.
  virtual std::string description() const = 0;
  // The dump's note; null for a process, and for a core file that another program wrote.
  virtual const kd::DumpNote *note() const { return nullptr; }
  // What is wrong with the dump as such.
  virtual std::vector<std::string> problems() const { return {}; }
  // The host's id of the thread that a dump was made for.
  virtual std::optional<pid_t> first_thread() const { return std::nullopt; }
  // Why there is nothing to look at any more.
  virtual std::optional<Failure> ended() const { return std::nullopt; }
  // The registers of a thread that does not wait in the kernel, with its stack.
  virtual Result<ThreadState> running_state(const Thread &thread) = 0;
  // The processor time that the host has counted for it, in 100 ns units.
  virtual std::optional<int64_t> processor_time(const Thread &thread) const = 0;
  // Stops all threads of a process until the Target goes.
  virtual std::optional<Failure> freeze() { return std::nullopt; }
  virtual bool frozen() const { return false; }
  virtual void thaw() {}
  // What a freeze has stopped, and when that was (100 ns units since 1601).
  virtual std::span<const StoppedThread> stopped_threads() const { return {}; }
  virtual std::optional<int64_t> frozen_since() const { return std::nullopt; }

  Memory &memory() { return *memory_; }
  const kd::DebuggerData &data() const { return data_; }
  Address data_address() const { return data_address_; }

  // Sorted by address: the kernel, the drivers, and the host's libraries.
  const std::vector<std::shared_ptr<Module>> &modules();
  // What is wrong with PsLoadedModuleList.
  const std::vector<std::string> &module_problems();
  Module *module_at(Address address);
  // By its name, regardless of case; "nt" for the kernel.
  Module *module_named(std::string_view name);

  const Walk<Process> &processes();
  // Of all processes, in the order of the lists.
  const Walk<Thread> &threads();
  // What is known of the thread whose ETHREAD is at `address`, on a list or not.
  std::optional<Thread> thread_at(Address address);
  // The registers of `thread` and its stack, consistent also while the machine runs.
  Result<ThreadState> state(const Thread &thread);

  // Directories in which files of drivers are looked for, besides where they were.
  std::vector<std::filesystem::path> symbol_path;

  // A new command begins: what is known of a process may have changed.
  virtual void refresh();

 protected:
  Target() = default;
  // For those who open one: with the memory there, finds the data block.
  std::optional<Failure> find_data();
  // By address; a process whose mappings cannot be read has none.
  virtual std::vector<FileMapping> mappings() = 0;
  // Copies a thread's stack from `registers` on.
  void read_stack(const Thread &thread, ThreadState &state, bool now);

  std::unique_ptr<MemorySource> source_;
  std::unique_ptr<Memory> memory_;
  kd::DebuggerData data_{};
  Address data_address_ = 0;

 private:
  void find_modules();
  std::shared_ptr<Module> make_module(const ModuleEntry &entry);
  Walk<Thread> walk_threads();
  Result<ThreadState> waiting_state(const Thread &thread);

  bool modules_known_ = false;
  std::vector<std::shared_ptr<Module>> old_modules_;
  std::vector<std::shared_ptr<Module>> modules_;
  std::vector<std::string> module_problems_;
  std::optional<Walk<Process>> processes_;
  std::optional<Walk<Thread>> threads_;
};

}  // namespace ntemu::debug
