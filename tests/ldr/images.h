// Images for the loader's tests: good ones from the build, bad ones made of their bytes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "ntemu/ldr/image.h"

namespace ntemu::ldr {

inline std::string built_image(const std::string &name) { return std::string(DRIVERS) + "/" + name + ".sys"; }

inline std::string contents(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A fresh directory for a test's files, another for the loader's copies.
class ImageTest : public testing::Test {
 protected:
  ImageTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ldr-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    copies_ = directory_ / "copies";
    boot();
  }
  ~ImageTest() override {
    teardown();
    std::filesystem::remove_all(directory_);
  }

  std::filesystem::path write(const std::string &name, std::string_view bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }

  bool no_copies() const { return !std::filesystem::exists(copies_) || std::filesystem::is_empty(copies_); }

  static size_t loaded_modules() {
    size_t count = 0;
    for (LIST_ENTRY *at = PsLoadedModuleList.Flink; at != &PsLoadedModuleList; at = at->Flink) count++;
    return count;
  }

  static NTSTATUS enter(const Image *image) {
    return reinterpret_cast<NTSTATUS (*)(void *, void *)>(image->entry.EntryPoint)(nullptr, nullptr);
  }

  std::filesystem::path directory_, copies_;
};

}  // namespace ntemu::ldr
