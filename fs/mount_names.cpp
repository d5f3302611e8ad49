#include "fs/mount_names.h"

#include <algorithm>
#include <cerrno>

#include "fs/host_names.h"
#include "fs/names.h"
#include "ntemu/base/utf.h"

namespace ntemu::fs {
namespace {

constexpr char16_t kSlash = 0xF000 + u'/';

}  // namespace

NtName nt_file_name(std::string_view linux_name) {
  if (auto name = from_host_name(linux_name)) return {0, std::move(*name)};
  const auto wide = base::to_utf16(linux_name);
  if (!wide) return {EILSEQ, {}};
  return {wide->size() > kMaxComponent ? ENAMETOOLONG : EINVAL, {}};
}

NtName nt_link_name(std::string_view linux_name) {
  auto wide = base::to_utf16(linux_name);
  if (!wide) return {EILSEQ, {}};
  if (wide->find(u'\\') != std::u16string::npos) return {ENOENT, {}};
  std::replace(wide->begin(), wide->end(), kSlash, u'/');
  return {0, std::move(*wide)};
}

std::string linux_link_name(std::u16string_view name) {
  std::u16string mapped(name);
  std::replace(mapped.begin(), mapped.end(), u'/', kSlash);
  if (mapped == u"." || mapped == u".." || mapped.find(u'\0') != std::u16string::npos) return {};
  return base::to_utf8(mapped);
}

}  // namespace ntemu::fs
