// Names between Linux programs and NT, below a drive and at the root of the mount.
#pragma once

#include <string>
#include <string_view>

namespace ntemu::fs {

struct NtName {
  int error = 0;  // an errno, and then no text
  std::u16string text;
};

// Of a file or directory: what host_names.h maps, and why a name cannot be mapped.
NtName nt_file_name(std::string_view linux_name);

// Of a device link: the name itself, and U+F02F for the slash that a Linux name cannot hold.
NtName nt_link_name(std::string_view linux_name);
// Empty when a Linux program could not use it.
std::string linux_link_name(std::u16string_view name);

}  // namespace ntemu::fs
