// From a service's ImagePath to a file that can be loaded.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "ntemu/include/ntemu/machine.h"
#include "ntemu/ldr/private_copy.h"

namespace ntemu::machine {

// As the service controller stores it: a path with a drive letter gets the prefix \??\, everything else stays.
std::u16string stored_image_path(std::u16string_view path);

struct ServiceImage {
  std::filesystem::path file;
  std::u16string nt_name;  // what drivers and debuggers see; a file of the host looks as if installed
  ldr::PrivateCopy copy;   // what `file` is, when it came out of a volume
};

// \??\C:\..., C:\..., \SystemRoot\..., %SystemRoot%\... and paths relative to C:\Windows are read through the volume,
// in whatever case they are written; a path with a leading slash is the host's. None: System32\drivers\<service>.sys.
Outcome<ServiceImage> fetch_image(std::u16string_view image_path, std::u16string_view service,
                                  const std::filesystem::path &copies);

}  // namespace ntemu::machine
