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
// The names of its subkeys, in the order of their creation.
Result<std::vector<std::u16string>> list_keys(KeyId key);

Result<Value> query_value(KeyId key, std::u16string_view name);
NTSTATUS set_value(KeyId key, std::u16string_view name, ULONG type, const void *data, size_t size);
NTSTATUS set_string(KeyId key, std::u16string_view name, ULONG type, std::u16string_view text);
NTSTATUS set_dword(KeyId key, std::u16string_view name, ULONG value);
NTSTATUS delete_value(KeyId key, std::u16string_view name);
// In the order of their creation.
Result<std::vector<Value>> list_values(KeyId key);

// A value to write, or, without data, one to remove if it is there.
struct ValueChange {
  std::u16string name;
  ULONG type = REG_NONE;
  std::optional<std::vector<UCHAR>> data = {};
};
struct ChangeCondition {
  bool create = false;           // make the key and those on the way; else they have to exist
  std::u16string_view absent{};  // STATUS_OBJECT_NAME_COLLISION when the key has a value of this name
};
// All of the changes, or none.
NTSTATUS change_values(std::u16string_view path, const std::vector<ValueChange> &changes, const ChangeCondition &when);

}  // namespace ntemu::cm
