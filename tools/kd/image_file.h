// The file of an image, with its symbols, lines and types, from the file itself or from a file of debug information.
#pragma once

#include <elfutils/libdw.h>
#include <libelf.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/kd/failure.h"

namespace ntemu::debug {

// Of the file: its addresses are those that the file says, not where it is loaded.
struct FileSymbol {
  uint64_t address, size;
  std::string name;
};

class ImageFile {
 public:
  // `build_id`: what the image in memory has; another one in the file is refused. Empty: not known.
  static Result<std::unique_ptr<ImageFile>> open(const std::filesystem::path &path, const std::string &build_id);
  ~ImageFile();
  ImageFile(const ImageFile &) = delete;
  ImageFile &operator=(const ImageFile &) = delete;

 private:
  ImageFile() = default;
};

}  // namespace ntemu::debug
