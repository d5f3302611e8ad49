#include "fs/mount_info.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ntemu::fs {
namespace {

// The kernel writes spaces and the like as \040.
std::string unescape(const std::string &text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::filesystem::path absolute_mount_point(const std::filesystem::path &directory) {
  std::error_code error;
  std::filesystem::path whole = std::filesystem::absolute(directory, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  const auto parent = std::filesystem::canonical(whole.parent_path(), error);
  return error ? whole : parent / whole.filename();
}

bool is_mount_of_ours(const std::filesystem::path &mount_point) {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line, last_type;
  while (std::getline(mounts, line)) {
    // ID, parent, device, root, mount point, options, further fields, "-", type, source, options
    std::istringstream fields(line);
    std::vector<std::string> words;
    for (std::string word; fields >> word;) words.push_back(word);
    if (words.size() < 6 || unescape(words[4]) != mount_point) continue;
    for (size_t i = 6; i + 1 < words.size(); ++i) {
      if (words[i] == "-") last_type = words[i + 1];
    }
  }
  return last_type == kMountType;  // of those on one place, the last hides the others
}

}  // namespace ntemu::fs
