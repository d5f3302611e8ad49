// The registry: keys and values in one SQLite database, as the machine and the key objects see them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::cm {

using KeyId = int64_t;                // never reused: a deleted key's id finds nothing, STATUS_KEY_DELETED
inline constexpr KeyId kRootKey = 1;  // \REGISTRY itself
// Where the drivers' service keys are.
inline constexpr char16_t kServices[] = u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\";

struct Value {
  std::u16string name;
  ULONG type = REG_NONE;
  std::vector<UCHAR> data;
};

// Opens the hive, or makes it, with the keys that drivers expect. `path` ":memory:" keeps it in memory. A change is on
// its way to the file when the call that made it returns: a killed process loses none. The text says what is wrong
// with a hive that cannot be used; the file is left as it is.
std::optional<std::string> boot(const std::string &path);
void teardown();

// A full path, \REGISTRY\MACHINE\..., in any case; CurrentControlSet is followed. STATUS_OBJECT_NAME_NOT_FOUND.
Result<KeyId> open_key(std::u16string_view path);
// `path` is relative to `parent`, without a leading backslash; empty: the key itself.
Result<KeyId> open_key(KeyId parent, std::u16string_view path);
// Makes every key on the way.
Result<KeyId> create_key(std::u16string_view path);
Result<std::u16string> path_of(KeyId key);
// STATUS_CANNOT_DELETE when it has subkeys.
NTSTATUS delete_key(KeyId key);
// With all that is below it.
NTSTATUS delete_tree(KeyId key);

Result<Value> query_value(KeyId key, std::u16string_view name);
NTSTATUS set_value(KeyId key, std::u16string_view name, ULONG type, const void *data, size_t size);
NTSTATUS set_string(KeyId key, std::u16string_view name, ULONG type, std::u16string_view text);
NTSTATUS set_dword(KeyId key, std::u16string_view name, ULONG value);
NTSTATUS delete_value(KeyId key, std::u16string_view name);
// In the order of their creation.
Result<std::vector<Value>> list_values(KeyId key);

struct ServiceSettings {
  std::u16string image_path;
  ULONG type = 1;           // 1 kernel driver, 2 file system driver
  ULONG start = 3;          // 0 boot, 1 system, 2 auto, 3 demand, 4 disabled
  ULONG error_control = 1;  // 0 ignore, 1 normal, 2 severe, 3 critical
  std::u16string display_name = {};
  std::u16string group = {};
  std::vector<std::u16string> depends = {};
};
// Writes the key <name> in kServices; what else the key holds stays.
std::optional<NTSTATUS> create_service_key(std::u16string_view name, const ServiceSettings &settings);

}  // namespace ntemu::cm
