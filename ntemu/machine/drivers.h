// The drivers of a machine by the names of their services: loading, unloading, and what is between.
#pragma once

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
  // `copies`: where the images' private copies go.
  Outcome<std::string> load(const std::filesystem::path &image, const std::filesystem::path &copies,
                            const LoadOptions &options);
  Outcome<Unloaded> unload(std::string_view service);
  DriverState state(std::string_view service) const;
  bool can_unload(std::string_view service) const;
  std::vector<std::string> names() const;
  // Takes every driver away without asking it, for the machine's end: no thread runs any more.
  void remove_all();

 private:
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
  void forget(const std::u16string &key);

  mutable base::Mutex mutex_;
  Map drivers_ NTEMU_GUARDED_BY(mutex_);
};

}  // namespace ntemu::machine
