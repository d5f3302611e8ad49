// The drives of a machine: C:, and directories of the host under further letters, which the hive remembers.
#pragma once

#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/include/ntemu/machine.h"
#include "ntemu/io/file_system.h"
#include "ntifs.h"

namespace ntemu::machine {

// Values "D:" (REG_SZ, the directory) of this key are mounted at boot.
inline constexpr char16_t kDrivesKey[] = u"\\REGISTRY\\MACHINE\\SYSTEM\\ntemu\\Drives";

// Calls may come from several threads.
class Drives {
 public:
  // Mounts C:, on `machine`/drive_c or in memory where `machine` is empty, and what the hive remembers. A remembered
  // directory that is gone is told and stays remembered.
  std::optional<Error> boot(const std::filesystem::path &machine);
  // When no thread runs any more.
  void teardown();
  std::optional<Error> add(std::string_view letter, const std::filesystem::path &directory);
  // Files that are open stay usable until they are closed.
  std::optional<Error> remove(std::string_view letter);
  std::vector<Drive> list() const;

 private:
  struct Mounted {
    std::filesystem::path directory;
    PDEVICE_OBJECT device = nullptr;  // nullptr: could not be mounted
    std::string problem;
  };
  std::optional<Error> mount(char letter, std::unique_ptr<io::Volume> volume, const std::filesystem::path &directory)
      NTEMU_REQUIRES(mutex_);
  void unmount(char letter, const Mounted &drive) NTEMU_REQUIRES(mutex_);
  void mount_remembered() NTEMU_REQUIRES(mutex_);
  std::optional<Error> check_directory(const std::filesystem::path &directory) const NTEMU_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  std::filesystem::path machine_;
  PDRIVER_OBJECT file_system_ = nullptr;
  int next_volume_ NTEMU_GUARDED_BY(mutex_) = 1;
  std::map<char, Mounted> drives_ NTEMU_GUARDED_BY(mutex_);
};

}  // namespace ntemu::machine
