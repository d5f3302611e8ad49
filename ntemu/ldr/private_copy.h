// Each load gets a copy of the image of its own: the same path twice would give the same globals twice.
#pragma once

#include <filesystem>
#include <vector>

#include "ntemu/ldr/load_error.h"

namespace ntemu::ldr {

// The whole file; throws LoadError.
std::vector<char> read_file(const std::filesystem::path &file);

// A file of the same name in a fresh directory below `parent`, which is made when missing; gone with the object.
class PrivateCopy {
 public:
  PrivateCopy() = default;
  // Throws LoadError.
  PrivateCopy(const std::vector<char> &bytes, const std::filesystem::path &parent, const std::filesystem::path &name);
  ~PrivateCopy();
  PrivateCopy(PrivateCopy &&other) noexcept { swap(other); }
  PrivateCopy &operator=(PrivateCopy &&other) noexcept {
    swap(other);
    return *this;
  }

  const std::filesystem::path &path() const { return file_; }

 private:
  void swap(PrivateCopy &other) noexcept {
    directory_.swap(other.directory_);
    file_.swap(other.file_);
  }

  std::filesystem::path directory_, file_;
};

}  // namespace ntemu::ldr
