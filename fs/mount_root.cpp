#include "fs/mount_root.h"

#include <algorithm>

#include "fs/mount_names.h"
#include "ntemu/io/device.h"
#include "ntemu/io/file.h"

namespace ntemu::fs {
namespace {

Result<RootEntry> resolve(std::u16string_view name) {
  auto device = ob::open_by_path(root_path(name), &io::device_type);
  if (!device) return STATUS_OBJECT_NAME_NOT_FOUND;
  RootEntry entry;
  entry.name = name;
  entry.device = ob::Ref<DEVICE_OBJECT>::adopt(static_cast<PDEVICE_OBJECT>(*device));
  entry.drive = io::is_mounted(entry.device.get());
  return entry;
}

}  // namespace

std::u16string root_path(std::u16string_view name) { return u"\\??\\" + std::u16string(name); }

std::vector<RootEntry> root_entries() {
  std::vector<std::u16string> names;
  ob::for_each(u"\\??", [&](std::u16string_view name, void *) {
    if (!linux_link_name(name).empty()) names.emplace_back(name);
  });
  std::sort(names.begin(), names.end());
  std::vector<RootEntry> entries;
  for (const std::u16string &name : names) {
    if (auto entry = resolve(name)) entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<RootEntry> find_root_entry(std::u16string_view name) {
  auto link = ob::open_by_path(root_path(name), &ob::symbolic_link_type);
  if (!link) link = ob::open_by_path(root_path(name), &io::device_type);  // entered there itself
  if (!link) return STATUS_OBJECT_NAME_NOT_FOUND;
  const auto body = ob::Ref<void>::adopt(*link);
  const std::u16string path = ob::name_of(body.get());
  return resolve(path.empty() ? std::u16string(name) : path.substr(path.rfind(u'\\') + 1));
}

}  // namespace ntemu::fs
