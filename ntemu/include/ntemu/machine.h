// A machine: the kernel, its volumes and its registry in this process. For hosts that load drivers themselves.
//
//   auto machine = ntemu::Machine::boot({.directory = "m", .debug_print = [](std::string_view s) { puts(...); }});
//   auto driver = (*machine)->load("TestDriver.sys");
//   (*machine)->wait_for_rest(std::chrono::seconds(5));
//   (*machine)->unload("TestDriver");
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ntemu {

struct Error {
  int32_t status;  // NTSTATUS
  std::string text;
};

// A value, or the Error that says why there is none.
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::move(value)) {}
  Outcome(Error error) : state_(std::move(error)) {}
  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() { return std::get<0>(state_); }
  T *operator->() { return &std::get<0>(state_); }
  const Error &error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct MachineOptions {
  // Where the machine's state is kept: drive_c/ (volume C:), hive. Empty: everything in memory.
  std::filesystem::path directory;
  // Each line that a driver prints. Called from any thread, one call at a time.
  std::function<void(std::string_view line)> debug_print;
  // ntemu's own messages; standard error when not given.
  std::function<void(std::string_view line)> message;
};

// How the drivers' threads stand. Threads of the kernel itself do not count.
enum class Rest {
  kDone,     // none is left
  kWaiting,  // all that are left wait, and nothing that is due will wake them by itself
  kDelayed,  // all that are left wait, some of them for a time
  kRunning,  // some run
};

struct LoadOptions {
  std::string service;       // the file's stem when empty; names compare without regard to case
  bool file_system = false;  // its driver object goes to \\FileSystem instead of \\Driver
};

struct Unloaded {
  size_t threads_left = 0;  // of the driver; they keep its image mapped until they end
  bool pending = false;     // DriverUnload runs when the last handle to one of its devices is closed
};

enum class DriverState {
  kNotLoaded,
  kLoading,  // DriverEntry has not returned
  kLoaded,
  kUnloading,  // DriverUnload has not returned, or has to wait until the driver's devices are closed
};

// Loads and unloads may be called from several threads; those of different drivers run side by side.
class Machine {
 public:
  // One machine at a time runs in a process.
  static Outcome<std::unique_ptr<Machine>> boot(MachineOptions options);
  // Ends every driver's threads and unmounts. A thread that never calls the kernel again cannot be ended: then the
  // process has to exit without returning to the machine's memory (ended() false from shut_down).
  ~Machine();
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  // Loads the image and runs its DriverEntry; the name of its service. What fails leaves nothing behind.
  // STATUS_IMAGE_ALREADY_LOADED when the service is loaded, or another load or unload of it has not ended yet.
  Outcome<std::string> load(const std::filesystem::path &image, const LoadOptions &options = {});
  // Runs DriverUnload and unmaps the image. STATUS_INVALID_DEVICE_REQUEST without a DriverUnload: it stays loaded.
  // STATUS_DELETE_PENDING when it is kUnloading, STATUS_DEVICE_NOT_READY when it is kLoading. The end of a pending
  // unload can be awaited with wait_until and driver_state.
  Outcome<Unloaded> unload(std::string_view service);
  DriverState driver_state(std::string_view service) const;
  // The driver is loaded and has a DriverUnload.
  bool can_unload(std::string_view service) const;
  std::vector<std::string> drivers() const;

  // Makes a directory on C:, and those above it. `path` like Temp, \\Temp\\A or C:\\Temp.
  std::optional<Error> make_directory(std::string_view path);

  Rest rest() const;
  // A DriverEntry or DriverUnload that runs now waits, and nothing will wake it.
  bool load_hangs() const;
  // Until rest() is one of kDone or kWaiting, or also kDelayed if `or_delayed`, `limit` has passed (nullopt: never) or
  // interrupt_waits was called. The state at the return.
  Rest wait_for_rest(std::optional<std::chrono::nanoseconds> limit, bool or_delayed = false);
  // Until `done` holds, `limit` has passed or interrupt_waits was called; `done` is asked whenever a thread came to
  // rest.
  bool wait_until(const std::function<bool()> &done, std::optional<std::chrono::nanoseconds> limit);
  // Makes every wait return.
  void interrupt_waits();

  const std::filesystem::path &directory() const;
  // False when threads were left that could not be ended. Loads and unloads that wait for a driver return with
  // STATUS_SYSTEM_SHUTDOWN; no call may begin meanwhile.
  bool shut_down();

 private:
  struct State;
  explicit Machine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ntemu
