// The drivers of a machine by the names of their services: loading, unloading, and what is between.
#pragma once

#include <atomic>
#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/include/ntemu/machine.h"
#include "ntifs.h"

namespace ntemu::ldr {
struct Image;
}

namespace ntemu::machine {

// Calls may come from several threads; those for different services run side by side.
class Drivers {
 public:
  Drivers();
  void trap_unloaded(bool trap) { trap_unloaded_ = trap; }  // MachineOptions.trap_unloaded
  ~Drivers();
  // `copies`: where the images' private copies go.
  Outcome<std::string> load(const std::filesystem::path &image, const std::filesystem::path &copies,
                            const LoadOptions &options);
  Outcome<Unloaded> unload(std::string_view service);
  // Unmaps what has come to its end meanwhile.
  void sweep() const;
  DriverState state(std::string_view service) const;
  // Called, without a lock, when an unload that had been put off has ended.
  void on_late_unload(std::function<void()> notify);
  bool can_unload(std::string_view service) const;
  std::vector<std::string> names() const;
  // For the machine's end, when no system thread runs any more. First, loads and unloads that still wait fail with
  // STATUS_SYSTEM_SHUTDOWN and return; then every driver is taken away without being asked.
  void await_calls();
  void remove_all();

 private:
  class Call;
  struct Driver {
    std::string name;  // as it was loaded
    DriverState state = DriverState::kLoading;
    ldr::Image *image = nullptr;
    PDRIVER_OBJECT object = nullptr;
  };
  // Names compare as NT's do: keys are upper-case.
  using Map = std::map<std::u16string, Driver>;

  Outcome<Driver> start(const std::filesystem::path &image, const std::filesystem::path &copies,
                        const std::string &name, std::u16string_view wide, const LoadOptions &options);
  void finish_pending(PDRIVER_OBJECT object);
  // Unmaps the image now, or once its threads have ended. Returns how many there are.
  size_t put_away(ldr::Image *image);

  std::atomic<uint32_t> calls_{0};  // loads and unloads that have not returned
  mutable base::Mutex mutex_;
  Map drivers_ NTEMU_GUARDED_BY(mutex_);
  std::function<void()> late_unload_ NTEMU_GUARDED_BY(mutex_);
  // Images of no driver any more in which threads still ran when last looked at.
  mutable std::vector<ldr::Image *> lingering_ NTEMU_GUARDED_BY(mutex_);
  bool trap_unloaded_ = true;
};

}  // namespace ntemu::machine
