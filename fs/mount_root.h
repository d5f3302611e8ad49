// The root of the mount: the links of \?? that lead to devices.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ntemu/ob/object.h"

namespace ntemu::fs {

struct RootEntry {
  std::u16string name;  // as the link spells it
  ob::Ref<DEVICE_OBJECT> device;
  bool drive;  // a volume is mounted on it
};

// In the order of their names. Links that lead elsewhere, or nowhere, are left out.
std::vector<RootEntry> root_entries();
// In any case. STATUS_OBJECT_NAME_NOT_FOUND.
Result<RootEntry> find_root_entry(std::u16string_view name);
// \??\NAME
std::u16string root_path(std::u16string_view name);

}  // namespace ntemu::fs
