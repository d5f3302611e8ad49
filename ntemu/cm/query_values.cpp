// RtlQueryRegistryValues: reads values as a table says.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/key_object.h"
#include "ntemu/rtl/case.h"

using namespace ntemu;

namespace {

std::u16string_view view(PCWSTR text) {
  const auto *units = reinterpret_cast<const char16_t *>(text);
  return units ? std::u16string_view(units) : std::u16string_view();
}

const char16_t *root_path(ULONG relative_to) {
  switch (relative_to) {
    case RTL_REGISTRY_SERVICES:
      return u"\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Services";
    case RTL_REGISTRY_CONTROL:
      return u"\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Control";
    case RTL_REGISTRY_WINDOWS_NT:
      return u"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";
    case RTL_REGISTRY_DEVICEMAP:
      return u"\\REGISTRY\\MACHINE\\HARDWARE\\DEVICEMAP";
    case RTL_REGISTRY_USER:
      return u"\\REGISTRY\\USER\\.DEFAULT";  // drivers run as the system
    default:
      return nullptr;
  }
}

Result<cm::KeyId> resolve(ULONG relative_to, PCWSTR path) {
  if (relative_to & RTL_REGISTRY_HANDLE) {
    const auto key = cm::reference_key(reinterpret_cast<HANDLE>(const_cast<PWSTR>(path)), KEY_QUERY_VALUE, KernelMode);
    if (!key) return key.status();
    const cm::KeyId id = (*key)->id;
    ob::dereference(*key);
    return id;
  }
  if (relative_to == RTL_REGISTRY_ABSOLUTE) return path ? cm::open_key(view(path)) : STATUS_INVALID_PARAMETER;
  const char16_t *root = root_path(relative_to);
  if (!root) return STATUS_INVALID_PARAMETER;
  std::u16string full = root;
  if (!view(path).empty()) full += u"\\" + std::u16string(view(path));
  return cm::open_key(full);
}

// `environment` is a block of NAME=value strings that an empty one ends; without one, the system's variables count.
std::optional<std::u16string> find_variable(std::u16string_view name, PVOID environment) {
  const char16_t *at = environment ? static_cast<const char16_t *>(environment)
                                   : u"SystemDrive=C:\0SystemRoot=C:\\Windows\0windir=C:\\Windows\0";
  for (std::u16string_view line; !(line = std::u16string_view(at)).empty(); at += line.size() + 1) {
    const size_t equals = line.find(u'=', 1);
    if (equals != std::u16string_view::npos && rtl::equal(line.substr(0, equals), name, true)) {
      return std::u16string(line.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::u16string expand(std::u16string_view text, PVOID environment) {
  std::u16string result;
  while (!text.empty()) {
    const size_t start = text.find(u'%');
    const size_t end = start == std::u16string_view::npos ? start : text.find(u'%', start + 1);
    if (end == std::u16string_view::npos) break;
    const auto variable = find_variable(text.substr(start + 1, end - start - 1), environment);
    result += text.substr(0, start);
    if (variable) {
      result += *variable;
      text.remove_prefix(end + 1);
    } else {
      result += text.substr(start, end - start);  // stays as it is; its second % may begin the next one
      text.remove_prefix(end);
    }
  }
  return result += text;
}

bool is_string(ULONG type) { return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ; }

std::u16string_view text_of(const std::vector<UCHAR> &data) {
  return {reinterpret_cast<const char16_t *>(data.data()), data.size() / sizeof(char16_t)};
}

std::vector<UCHAR> data_of(std::u16string_view text) {
  const auto *bytes = reinterpret_cast<const UCHAR *>(text.data());
  return {bytes, bytes + text.size() * sizeof(char16_t)};
}

// Up to the first NUL, with one behind it.
std::vector<UCHAR> terminated(std::u16string_view text) {
  std::u16string copy(text.substr(0, text.find(u'\0')));
  copy += u'\0';
  return data_of(copy);
}

class Table {
 public:
  Table(cm::KeyId top, PVOID context, PVOID environment)
      : top_(top), key_(top), context_(context), environment_(environment) {}

  NTSTATUS run(const RTL_QUERY_REGISTRY_TABLE *entry) {
    constexpr ULONG kNeedsNoMore = RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT;
    for (; entry->QueryRoutine || (entry->Flags & kNeedsNoMore); ++entry) {
      if (const NTSTATUS status = run_entry(*entry); !NT_SUCCESS(status)) return status;
    }
    return STATUS_SUCCESS;
  }

 private:
  NTSTATUS run_entry(const RTL_QUERY_REGISTRY_TABLE &entry) {
    const ULONG flags = entry.Flags;
    if ((flags & RTL_QUERY_REGISTRY_DIRECT) &&
        (!entry.Name || entry.QueryRoutine || (flags & RTL_QUERY_REGISTRY_SUBKEY))) {
      return STATUS_INVALID_PARAMETER;
    }
    if (flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) key_ = top_;
    if (flags & RTL_QUERY_REGISTRY_SUBKEY) {
      if (!entry.Name) return STATUS_INVALID_PARAMETER;
      const auto key = cm::open_key(top_, view(entry.Name));
      if (!key) return key.status();
      key_ = *key;
      return entry.QueryRoutine ? enumerate(entry) : STATUS_SUCCESS;
    }
    if (entry.Name) return query_named(entry);
    if (flags & RTL_QUERY_REGISTRY_NOVALUE) {
      return entry.QueryRoutine(nullptr, REG_NONE, nullptr, 0, context_, entry.EntryContext);
    }
    return enumerate(entry);
  }

  NTSTATUS enumerate(const RTL_QUERY_REGISTRY_TABLE &entry) {
    const auto values = cm::list_values(key_);
    if (!values) return values.status();
    if (values->empty() && (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED)) return STATUS_OBJECT_NAME_NOT_FOUND;
    for (const cm::Value &value : *values) {
      NTSTATUS status = deliver(entry, value.name, value.type, value.data);
      if (NT_SUCCESS(status) && (entry.Flags & RTL_QUERY_REGISTRY_DELETE)) status = cm::delete_value(key_, value.name);
      if (!NT_SUCCESS(status)) return status;
    }
    return STATUS_SUCCESS;
  }

  NTSTATUS query_named(const RTL_QUERY_REGISTRY_TABLE &entry) {
    const std::u16string name(view(entry.Name));
    const auto value = cm::query_value(key_, name);
    if (value) {
      const ULONG expected =
          (entry.DefaultType & RTL_QUERY_REGISTRY_TYPECHECK_MASK) >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
      if ((entry.Flags & RTL_QUERY_REGISTRY_TYPECHECK) && expected != REG_NONE && expected != value->type)
        return STATUS_OBJECT_TYPE_MISMATCH;
      if ((entry.Flags & RTL_QUERY_REGISTRY_NOSTRING) && is_string(value->type)) return STATUS_OBJECT_TYPE_MISMATCH;
      const NTSTATUS status = deliver(entry, name, value->type, value->data);
      if (!NT_SUCCESS(status) || !(entry.Flags & RTL_QUERY_REGISTRY_DELETE)) return status;
      return cm::delete_value(key_, name);
    }
    if (value.status() != STATUS_OBJECT_NAME_NOT_FOUND || (entry.Flags & RTL_QUERY_REGISTRY_REQUIRED))
      return value.status();
    const ULONG type = entry.DefaultType & ~RTL_QUERY_REGISTRY_TYPECHECK_MASK;
    if (type == REG_NONE) return STATUS_SUCCESS;
    return deliver(entry, name, type, default_data(entry, type));
  }

  static std::vector<UCHAR> default_data(const RTL_QUERY_REGISTRY_TABLE &entry, ULONG type) {
    const auto *data = static_cast<const UCHAR *>(entry.DefaultData);
    if (!data) return {};
    size_t length = entry.DefaultLength;
    if (length == 0 && is_string(type)) {
      const auto *text = static_cast<const char16_t *>(entry.DefaultData);
      size_t units = std::u16string_view(text).size() + 1;
      if (type == REG_MULTI_SZ && units > 1) {
        while (text[units] != 0) units += std::u16string_view(text + units).size() + 1;
        ++units;
      }
      length = units * sizeof(char16_t);
    }
    return {data, data + length};
  }

  // Strings are expanded and lists taken apart on their way, unless the entry says no.
  NTSTATUS deliver(const RTL_QUERY_REGISTRY_TABLE &entry, const std::u16string &name, ULONG type,
                   const std::vector<UCHAR> &data) {
    const bool raw = entry.Flags & RTL_QUERY_REGISTRY_NOEXPAND;
    if (type == REG_SZ) return hand_over(entry, name, REG_SZ, terminated(text_of(data)));
    if (type == REG_EXPAND_SZ) {
      const std::vector<UCHAR> text = terminated(text_of(data));
      if (raw) return hand_over(entry, name, REG_EXPAND_SZ, text);
      const std::u16string_view units = text_of(text);
      return hand_over(entry, name, REG_SZ, terminated(expand(units.substr(0, units.size() - 1), environment_)));
    }
    if (type != REG_MULTI_SZ || raw) return hand_over(entry, name, type, data);
    if (entry.Flags & RTL_QUERY_REGISTRY_DIRECT) return STATUS_INVALID_PARAMETER;
    for (std::u16string_view rest = text_of(data); !rest.empty() && rest[0] != 0;) {
      const size_t end = std::min(rest.find(u'\0'), rest.size());
      if (const NTSTATUS status = hand_over(entry, name, REG_SZ, terminated(rest.substr(0, end))); !NT_SUCCESS(status))
        return status;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return STATUS_SUCCESS;
  }

  NTSTATUS hand_over(const RTL_QUERY_REGISTRY_TABLE &entry, const std::u16string &name, ULONG type,
                     std::vector<UCHAR> data) {
    if (entry.Flags & RTL_QUERY_REGISTRY_DIRECT) return store(entry.EntryContext, type, data);
    std::u16string own_name = name;  // the routine may write to it
    return entry.QueryRoutine(reinterpret_cast<PWSTR>(own_name.data()), type, data.data(),
                              static_cast<ULONG>(data.size()), context_, entry.EntryContext);
  }

  static NTSTATUS store(PVOID destination, ULONG type, const std::vector<UCHAR> &data) {
    if (is_string(type)) return store_string(*static_cast<PUNICODE_STRING>(destination), data);
    const size_t size = data.size();
    if (size <= sizeof(ULONG)) {
      if (size) std::memcpy(destination, data.data(), size);
      return STATUS_SUCCESS;
    }
    // A larger buffer begins with its size: negative for the data alone, positive for length and type in front of it.
    LONG room;
    std::memcpy(&room, destination, sizeof(room));
    if (room < 0) {
      if (size > static_cast<size_t>(-static_cast<LONG64>(room))) return STATUS_BUFFER_TOO_SMALL;
      std::memcpy(destination, data.data(), size);
      return STATUS_SUCCESS;
    }
    const ULONG head[] = {static_cast<ULONG>(size), type};
    if (size + sizeof(head) > static_cast<size_t>(room)) return STATUS_BUFFER_TOO_SMALL;
    std::memcpy(destination, head, sizeof(head));
    std::memcpy(static_cast<char *>(destination) + sizeof(head), data.data(), size);
    return STATUS_SUCCESS;
  }

  // `data` ends in a NUL, which Length does not count.
  static NTSTATUS store_string(UNICODE_STRING &string, const std::vector<UCHAR> &data) {
    constexpr ULONG kStringTag = 0x67615452;  // RTag, unverified; the caller frees it with ExFreePool
    if (data.size() > 0xFFFE) return STATUS_BUFFER_TOO_SMALL;
    const auto size = static_cast<USHORT>(data.size());
    if (!string.Buffer) {
      string.Buffer = static_cast<PWSTR>(ExAllocatePool2(POOL_FLAG_PAGED, std::max<size_t>(size, 1), kStringTag));
      if (!string.Buffer) return STATUS_NO_MEMORY;
      string.MaximumLength = size;
    } else if (size > string.MaximumLength) {
      return STATUS_BUFFER_TOO_SMALL;
    }
    if (size) std::memcpy(string.Buffer, data.data(), size);
    string.Length = static_cast<USHORT>(size < sizeof(WCHAR) ? 0 : size - sizeof(WCHAR));
    return STATUS_SUCCESS;
  }

  cm::KeyId top_, key_;
  PVOID context_, environment_;
};

}  // namespace

NTSTATUS RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                PVOID Environment) {
  NT_ENTER(RtlQueryRegistryValues, RelativeTo, Path, QueryTable, Context, Environment);
  const auto key = resolve(RelativeTo & ~RTL_REGISTRY_OPTIONAL, Path);
  if (!key) {
    const bool missing = key.status() == STATUS_OBJECT_NAME_NOT_FOUND || key.status() == STATUS_OBJECT_PATH_NOT_FOUND;
    return missing && (RelativeTo & RTL_REGISTRY_OPTIONAL) ? STATUS_SUCCESS : key.status();
  }
  return Table(*key, Context, Environment).run(QueryTable);
}
