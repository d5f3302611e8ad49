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
  uint32_t win32 = 0;  // 0: what the status stands for
};

// A value, or the error that says why there is none.
template <class T, class E = Error>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::move(value)) {}
  Outcome(E error) : state_(std::move(error)) {}
  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() { return std::get<0>(state_); }
  T *operator->() { return &std::get<0>(state_); }
  const T &operator*() const { return std::get<0>(state_); }
  const T *operator->() const { return &std::get<0>(state_); }
  const E &error() const { return std::get<1>(state_); }

 private:
  std::variant<T, E> state_;
};

struct MachineOptions {
  // Where the machine's state is kept: drive_c/ (volume C:), hive. Empty: everything in memory.
  std::filesystem::path directory;
  // Each line that a driver prints. Called from any thread, one call at a time.
  std::function<void(std::string_view line)> debug_print;
  // ntemu's own messages; standard error when not given.
  std::function<void(std::string_view line)> message;
  // Also writes both, and more, to debug.log in the directory.
  bool debug_log = false;
  // Virtual processors, 1 to 64: as many threads can be at DISPATCH_LEVEL at once.
  unsigned cpus = 2;
  // Whether a thread that comes back into a driver that is unloaded ends the machine (bugcheck 0xCE), as on Windows;
  // else it goes on in the code, which stays for as long as somebody is in it.
  bool trap_unloaded = true;
  // The lock of the directory when the caller has it already (machine/place.h); the machine then owns the descriptor.
  int lock = -1;
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
  // The image's path as PsLoadedModuleList shows it; by default made of the service's name.
  std::u16string nt_name = {};
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

struct Drive {
  std::string letter;               // "C:"
  std::filesystem::path directory;  // empty: in memory
  std::string problem;              // why it is not there, although the machine remembers it; else empty
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
  // The same for callers that hold a lock: driver_state may unmap images, and thereby run code of theirs.
  DriverState look_at_driver(std::string_view service) const;
  // Called, without a lock, when an unload that had been put off has ended. One at a time; null: nobody.
  void on_late_unload(std::function<void()> notify);
  // The driver is loaded and has a DriverUnload.
  bool can_unload(std::string_view service) const;
  std::vector<std::string> drivers() const;

  // Makes a directory on C:, and those above it. `path` like Temp, \\Temp\\A or C:\\Temp.
  std::optional<Error> make_directory(std::string_view path);

  // A directory of the host as a drive, at once and at every boot from now on.
  std::optional<Error> add_drive(std::string_view letter, const std::filesystem::path &directory);
  std::optional<Error> remove_drive(std::string_view letter);
  std::vector<Drive> drives() const;

  Rest rest() const;
  // A DriverEntry or DriverUnload that runs now waits, and nothing will wake it.
  bool load_hangs() const;
  // Until rest() is one of kDone or kWaiting, or also kDelayed if `or_delayed`, `limit` has passed (nullopt: never) or
  // interrupt_waits was called. The state at the return.
  Rest wait_for_rest(std::optional<std::chrono::nanoseconds> limit, bool or_delayed = false);
  // Until `done` holds, `limit` has passed or interrupt_waits was called; `done` is asked whenever a thread came to
  // rest.
  bool wait_until(const std::function<bool()> &done, std::optional<std::chrono::nanoseconds> limit);
  // What a device does: calls the interrupt service routines that drivers connected to the vector, on this thread.
  // Whether one claimed the interrupt.
  bool fire_interrupt(unsigned vector);
  // Makes every wait return.
  void interrupt_waits();

  const std::filesystem::path &directory() const;
  // Where copies of images may be kept while the machine runs.
  const std::filesystem::path &image_directory() const;
  // False when threads were left that could not be ended. Loads and unloads that wait for a driver return with
  // STATUS_SYSTEM_SHUTDOWN; no call may begin meanwhile.
  bool shut_down();

 private:
  struct State;
  explicit Machine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ntemu
