// Driver Verifier's settings in the registry: which drivers are verified from their next load on, and with what.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::vf {

// Where they are. VerifyDrivers (REG_SZ: names with spaces between, or *) and VerifyDriverLevel (REG_DWORD) are
// Windows'; the names of the others are unverified.
inline constexpr char16_t kSettingsKey[] =
    u"\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management";

struct FaultSettings {
  ULONG probability = 600;  // of 10000 allocations
  std::u16string tags;      // with spaces between; empty: all
  std::u16string applications;
  ULONG delay_minutes = 7;  // after boot
  bool operator==(const FaultSettings &) const = default;
};

struct Settings {
  bool all = false;  // every driver but those in `excluded`
  std::vector<std::u16string> drivers, excluded;
  std::optional<ULONG> level;  // options; without it nothing is verified
  std::optional<FaultSettings> faults;
  std::optional<ULONG> delay_seed;
  bool operator==(const Settings &) const = default;
};

// What the registry holds, as far as it can be understood. A sentence in `problems` for each value that cannot; the
// value is ignored, and stays.
Settings read_settings(std::vector<std::string> &problems);
// All of them, or none.
NTSTATUS write_settings(const Settings &settings);
// Removes them; whether there were any.
Result<bool> reset_settings();

// Names compare without regard to case, and to the extension .sys.
bool same_driver(std::u16string_view one, std::u16string_view other);
// The options of a driver by the settings; nullopt: it is not verified.
std::optional<ULONG> options_of(const Settings &settings, std::u16string_view image_name);

}  // namespace ntemu::vf
