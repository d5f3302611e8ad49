#include "fs/names.h"

namespace ntemu::fs {

NTSTATUS check_name(std::u16string_view name) {
  if (name.empty() || name.size() > kMaxComponent || name == u"." || name == u"..") return STATUS_OBJECT_NAME_INVALID;
  for (char16_t c : name) {
    if (!legal_in_name(c)) return STATUS_OBJECT_NAME_INVALID;
  }
  return STATUS_SUCCESS;
}

NTSTATUS parse_path(std::u16string_view path, bool relative, bool check_last, ParsedPath &out) {
  if (relative) {
    if (path.starts_with(u'\\')) return STATUS_OBJECT_NAME_INVALID;
  } else {
    if (!path.starts_with(u'\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD;
    // One doubled backslash at the front is tolerated, others are not (unverified: from memory).
    path.remove_prefix(path.starts_with(u"\\\\") ? 2 : 1);
  }
  if (path.ends_with(u'\\')) {
    out.trailing_backslash = true;
    path.remove_suffix(1);
    if (path.empty()) return STATUS_OBJECT_NAME_INVALID;
  }
  while (!path.empty()) {
    const size_t end = path.find(u'\\');
    const std::u16string_view component = path.substr(0, end);
    const bool last = end == std::u16string_view::npos;
    if (!last || check_last) {
      if (NTSTATUS status = check_name(component); !NT_SUCCESS(status)) return status;
    }
    out.components.push_back(component);
    if (last) break;
    path.remove_prefix(end + 1);
    if (path.empty()) return STATUS_OBJECT_NAME_INVALID;
  }
  return STATUS_SUCCESS;
}

}  // namespace ntemu::fs
