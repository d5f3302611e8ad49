// Paths as tests write them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "ntemu/base/utf.h"

namespace ntemu::testing {

// C:\Temp and \\.\Device are found below \??, as programs find them; other paths are the kernel's own.
inline std::u16string nt_path(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '/', '\\');
  if (text.starts_with("\\\\.\\")) text.replace(0, 4, "\\??\\");
  if (text.size() >= 2 && text[1] == ':') text.insert(0, "\\??\\");
  return base::to_utf16_lossy(text);
}

}  // namespace ntemu::testing
