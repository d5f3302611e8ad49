// A fresh machine in memory for a test of a driver.
//
//   TEST(Kmutex, MovesEveryFile) {
//     Machine machine;
//     machine.make_directory("C:\\Temp");
//     ASSERT_THAT(machine.load("kmutex"), NtSucceeds());
//     machine.run_to_end();
//   }
//
// At its end it unloads the drivers that are still loaded, and fails the test for whatever drivers and test have taken
// and not given back: pool, objects, handles, threads, locks, each with the line that took it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/machine.h"
#include "ntifs.h"

namespace ntemu {

// How GoogleTest shows it.
void PrintTo(Rest rest, std::ostream *out);

}  // namespace ntemu

namespace ntemu::testing {

// Time that stands still until the test moves it: for timers, time-outs and delays without waiting for them. Has to be
// made before the Machine, and to outlive it.
class FakeClock {
 public:
  FakeClock();
  ~FakeClock();
  FakeClock(const FakeClock &) = delete;
  FakeClock &operator=(const FakeClock &) = delete;
  // Moves time forward; every wait and timer whose time comes is woken. Their threads run after that: see
  // Machine::await_rest.
  void advance(std::chrono::nanoseconds duration);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Machine {
 public:
  struct Options {
    unsigned cpus = 2;  // virtual processors
    // How long run_to_end and await_rest wait for threads that run, before they fail the test.
    std::chrono::nanoseconds patience = std::chrono::seconds(30);
    bool check_leaks = true;
  };

  Machine();
  explicit Machine(const Options &options);
  ~Machine();
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  // Loads a driver, by the name of its CMake target (DRIVERS of ntemu_add_driver_test) or by the path of its image, and
  // runs its DriverEntry; what that returned, or why the image cannot be loaded. `problem` says it in words. A
  // DriverEntry or DriverUnload that waits for what will never come fails the test, ends the machine and throws.
  NTSTATUS load(std::string_view target);
  // The same for a driver whose objects are linked into the test (LINK of ntemu_add_driver_test).
  NTSTATUS start(std::string_view service, PDRIVER_INITIALIZE entry);
  // Runs DriverUnload. STATUS_PENDING while its devices are open; STATUS_INVALID_DEVICE_REQUEST without a DriverUnload.
  NTSTATUS unload(std::string_view service);
  const std::string &problem() const { return problem_; }
  // nullptr when there is none of that name.
  PDRIVER_OBJECT driver(std::string_view service) const;
  PDEVICE_OBJECT device(std::string_view path) const;

  // Returns when every thread of the drivers has ended. A thread that waits and that nothing will wake fails the test,
  // with a line for each thread that says what it waits for and who owns that; false then.
  bool run_to_end();
  // Returns when no thread runs: all have ended or wait. What they do then.
  Rest await_rest();
  // Who waits for what: a line for each thread of the drivers.
  std::string describe_threads() const;

  // What the drivers have printed with DbgPrint so far, a line each.
  std::vector<std::string> debug_lines() const;
  std::string debug_output() const;  // the same as one text

  // Files of the machine, as the test's own; paths like C:\Temp\a.txt. Failing fails the test.
  void make_directory(std::string_view path);
  void write_file(std::string_view path, std::string_view text);
  std::optional<std::string> read_file(std::string_view path);  // nullopt: it cannot be opened
  bool exists(std::string_view path);
  std::vector<std::string> list_directory(std::string_view path);  // sorted

  // The registry, for what a driver reads at its start; the key and those above it are made. `key` is a full path,
  // \Registry\Machine\..., or relative to the services: "kmutex\Parameters".
  void set_value(std::string_view key, std::string_view name, uint32_t value);
  void set_value(std::string_view key, std::string_view name, std::string_view text);

  // What was taken until now is not told as a leak.
  void forgive_leaks();
  // Tells what is missing now, and forgets it; the destructor does it last.
  std::vector<std::string> leaks();

  ntemu::Machine &host() { return *machine_; }

 private:
  NTSTATUS fail(NTSTATUS status, std::string problem);
  void watch(std::string_view routine, std::string_view service, const std::function<void()> &call);
  void unload_all();
  void check_threads();

  Options options_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string problem_;
  std::map<std::string, PDRIVER_OBJECT, std::less<>> linked_;  // of `start`
  bool ended_ = false;                                         // because a routine hung
  std::unique_ptr<ntemu::Machine> machine_;
};

}  // namespace ntemu::testing
