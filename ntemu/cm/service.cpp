#include "ntemu/cm/service.h"

#include <cstring>

#include "ntemu/cm/registry.h"
#include "ntemu/rtl/case.h"

namespace ntemu::cm {
namespace {

constexpr char16_t kGroupOrder[] = u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control\\ServiceGroupOrder";

// The groups of a fresh installation, in the order in which they load.
constexpr std::u16string_view kGroups[] = {u"System Reserved",
                                           u"EMS",
                                           u"Boot Bus Extender",
                                           u"System Bus Extender",
                                           u"SCSI miniport",
                                           u"Port",
                                           u"Primary Disk",
                                           u"SCSI Class",
                                           u"SCSI CDROM Class",
                                           u"FSFilter Infrastructure",
                                           u"FSFilter System",
                                           u"FSFilter Bottom",
                                           u"FSFilter Copy Protection",
                                           u"FSFilter Security Enhancer",
                                           u"FSFilter Open File",
                                           u"FSFilter Physical Quota Management",
                                           u"FSFilter Virtualization",
                                           u"FSFilter Encryption",
                                           u"FSFilter Compression",
                                           u"FSFilter Imaging",
                                           u"FSFilter HSM",
                                           u"FSFilter Cluster File System",
                                           u"FSFilter System Recovery",
                                           u"FSFilter Quota Management",
                                           u"FSFilter Content Screener",
                                           u"FSFilter Continuous Backup",
                                           u"FSFilter Replication",
                                           u"FSFilter Anti-Virus",
                                           u"FSFilter Undelete",
                                           u"FSFilter Activity Monitor",
                                           u"FSFilter Top",
                                           u"Filter",
                                           u"Boot File System",
                                           u"Base",
                                           u"Pointer Port",
                                           u"Keyboard Port",
                                           u"Pointer Class",
                                           u"Keyboard Class",
                                           u"Video Init",
                                           u"Video",
                                           u"Video Save",
                                           u"File System",
                                           u"Streams Drivers",
                                           u"NDIS Wrapper",
                                           u"COM Infrastructure",
                                           u"UIGroup",
                                           u"LocalValidation",
                                           u"PlugPlay",
                                           u"Cryptography",
                                           u"PNP_TDI",
                                           u"NDIS",
                                           u"TDI",
                                           u"NetBIOSGroup",
                                           u"ShellSvcGroup",
                                           u"SchedulerGroup",
                                           u"SpoolerGroup",
                                           u"AudioGroup",
                                           u"SmartCardGroup",
                                           u"NetworkProvider",
                                           u"RemoteValidation",
                                           u"NetDDEGroup",
                                           u"Parallel arbitrator",
                                           u"Extended Base",
                                           u"PCI Configuration",
                                           u"MS Transactions"};

std::u16string key_of(std::u16string_view name) { return kServices + std::u16string(name); }

std::vector<UCHAR> bytes_of(const void *data, size_t size) {
  const auto *bytes = static_cast<const UCHAR *>(data);
  return {bytes, bytes + size};
}

ValueChange number(const char16_t *name, ULONG value) { return {name, REG_DWORD, bytes_of(&value, sizeof value)}; }

ValueChange text(const char16_t *name, ULONG type, std::u16string_view value) {
  if (value.empty()) return {name};
  const std::u16string terminated(value);
  return {name, type, bytes_of(terminated.c_str(), (terminated.size() + 1) * sizeof(char16_t))};
}

ValueChange list(const char16_t *name, const std::vector<std::u16string> &values) {
  std::u16string joined;
  for (const std::u16string &value : values) joined += value + u'\0';
  return text(name, REG_MULTI_SZ, joined);
}

std::vector<ValueChange> changes_of(const ServiceChange &change) {
  std::vector<ValueChange> changes;
  if (change.type) changes.push_back(number(u"Type", *change.type));
  if (change.start) changes.push_back(number(u"Start", *change.start));
  if (change.error_control) changes.push_back(number(u"ErrorControl", *change.error_control));
  if (change.tag) changes.push_back(*change.tag ? number(u"Tag", *change.tag) : ValueChange{u"Tag"});
  if (change.image_path) changes.push_back(text(u"ImagePath", REG_EXPAND_SZ, *change.image_path));
  if (change.display_name) changes.push_back(text(u"DisplayName", REG_SZ, *change.display_name));
  if (change.group) changes.push_back(text(u"Group", REG_SZ, *change.group));
  if (change.description) changes.push_back(text(u"Description", REG_SZ, *change.description));
  if (change.depends) changes.push_back(list(u"DependOnService", *change.depends));
  if (change.depends_groups) changes.push_back(list(u"DependOnGroup", *change.depends_groups));
  return changes;
}

std::u16string as_text(const Value &value) {
  std::u16string text(value.data.size() / sizeof(char16_t), u'\0');
  if (!text.empty()) std::memcpy(text.data(), value.data.data(), text.size() * sizeof(char16_t));
  return text;
}

void read_text(const Value &value, std::u16string &target) {
  if (value.type != REG_SZ && value.type != REG_EXPAND_SZ) return;
  target = as_text(value);
  target.resize(std::min(target.size(), target.find(u'\0')));
}

void read_number(const Value &value, ULONG &target) {
  if (value.type == REG_DWORD && value.data.size() == sizeof target)
    std::memcpy(&target, value.data.data(), sizeof target);
}

std::vector<std::u16string> split(const std::u16string &joined) {
  std::vector<std::u16string> parts;
  for (size_t at = 0; at < joined.size();) {
    const size_t end = std::min(joined.find(u'\0', at), joined.size());
    if (end > at) parts.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

void read_into(Service &service, bool &has_type, const Value &value) {
  const auto is = [&](std::u16string_view name) { return rtl::equal(std::u16string_view(value.name), name, true); };
  if (is(u"Type")) {
    has_type = value.type == REG_DWORD;
    read_number(value, service.type);
  } else if (is(u"Start")) {
    read_number(value, service.start);
  } else if (is(u"ErrorControl")) {
    read_number(value, service.error_control);
  } else if (is(u"Tag")) {
    read_number(value, service.tag);
  } else if (is(u"ImagePath")) {
    read_text(value, service.image_path);
  } else if (is(u"DisplayName")) {
    read_text(value, service.display_name);
  } else if (is(u"Group")) {
    read_text(value, service.group);
  } else if (is(u"Description")) {
    read_text(value, service.description);
  } else if (is(u"DependOnService") && value.type == REG_MULTI_SZ) {
    service.depends = split(as_text(value));
  } else if (is(u"DependOnGroup") && value.type == REG_MULTI_SZ) {
    service.depends_groups = split(as_text(value));
  } else if (is(u"DeleteFlag")) {
    ULONG flag = 0;
    read_number(value, flag);
    service.deleted = flag != 0;
  }
}

NTSTATUS write_group_order() {
  std::vector<std::u16string> groups;
  for (const std::u16string_view group : kGroups) groups.emplace_back(group);
  const NTSTATUS status = change_values(kGroupOrder, {list(u"List", groups)}, {.create = true, .absent = u"List"});
  return status == STATUS_OBJECT_NAME_COLLISION ? STATUS_SUCCESS : status;
}

}  // namespace

bool is_service_name(std::u16string_view name) {
  return !name.empty() && name.size() <= kLongestServiceName &&
         name.find_first_of(std::u16string_view(u"/\\,\0", 4)) == std::u16string_view::npos;
}

NTSTATUS create_service(std::u16string_view name, const ServiceSettings &settings) {
  if (!is_service_name(name)) return STATUS_OBJECT_NAME_INVALID;
  const ServiceChange all{.type = settings.type,
                          .start = settings.start,
                          .error_control = settings.error_control,
                          .tag = settings.tag,
                          .image_path = settings.image_path,
                          .display_name = settings.display_name,
                          .group = settings.group,
                          .description = settings.description,
                          .depends = settings.depends,
                          .depends_groups = settings.depends_groups};
  return change_values(key_of(name), changes_of(all), {.create = true, .absent = u"Type"});
}

NTSTATUS change_service(std::u16string_view name, const ServiceChange &change) {
  if (!is_service_name(name)) return STATUS_OBJECT_NAME_INVALID;
  return change_values(key_of(name), changes_of(change), {});
}

NTSTATUS mark_service_deleted(std::u16string_view name) {
  if (!is_service_name(name)) return STATUS_OBJECT_NAME_INVALID;
  return change_values(key_of(name), {number(u"DeleteFlag", 1), number(u"Start", kDisabled)}, {});
}

NTSTATUS delete_service(std::u16string_view name) {
  if (!is_service_name(name)) return STATUS_OBJECT_NAME_INVALID;
  const auto key = open_key(key_of(name));
  return key ? delete_tree(*key) : key.status();
}

Result<Service> read_service(std::u16string_view name) {
  if (!is_service_name(name)) return STATUS_OBJECT_NAME_INVALID;
  const auto key = open_key(key_of(name));
  if (!key) return key.status();
  const auto path = path_of(*key);
  if (!path) return path.status();
  const auto values = list_values(*key);
  if (!values) return values.status();
  Service service;
  service.name = path->substr(path->rfind(u'\\') + 1);  // as it was created, whatever the case asked for
  bool has_type = false;
  for (const Value &value : *values) read_into(service, has_type, value);
  if (!has_type) return STATUS_OBJECT_NAME_NOT_FOUND;
  return service;
}

Result<std::vector<Service>> list_services() {
  const auto key = open_key(kServices);
  if (!key) return key.status();
  const auto names = list_keys(*key);
  if (!names) return names.status();
  std::vector<Service> services;
  for (const std::u16string &name : *names) {
    auto service = read_service(name);
    if (service) services.push_back(std::move(*service));
  }
  return services;
}

Result<std::vector<std::u16string>> group_order() {
  const auto key = open_key(kGroupOrder);
  if (!key) return key.status();
  const auto value = query_value(*key, u"List");
  if (!value) return value.status();
  return split(as_text(*value));
}

std::optional<NTSTATUS> create_service_key(std::u16string_view name, const ServiceSettings &settings) {
  const NTSTATUS status = create_service(name, settings);
  return NT_SUCCESS(status) || status == STATUS_OBJECT_NAME_COLLISION ? std::nullopt : std::optional(status);
}

NTSTATUS prepare_services() {
  const auto services = list_services();
  if (!services) return services.status();
  for (const Service &service : *services) {
    if (!service.deleted) continue;
    if (const NTSTATUS status = delete_service(service.name); !NT_SUCCESS(status)) return status;
  }
  return write_group_order();
}

}  // namespace ntemu::cm
