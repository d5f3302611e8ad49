#include "tools/kd/module.h"

#include <algorithm>

#include "tools/kd/call_frames.h"
#include "tools/kd/image_file.h"

namespace ntemu::debug {

Module::Module() = default;
Module::~Module() = default;

CallFrames *Module::call_frames() {
  if (!call_frames_ && headers) call_frames_ = std::make_unique<CallFrames>(*headers);
  return call_frames_.get();
}

// A driver's private copy goes with its machine; the file that it is a copy of may still be there.
std::vector<std::filesystem::path> Module::places() const {
  std::vector<std::filesystem::path> places;
  if (!path.empty()) places.emplace_back(path);
  constexpr std::string_view kDriveC = "\\??\\C:\\";
  std::string below_drive;
  if (full_name.starts_with(kDriveC)) {
    below_drive = "drive_c/" + full_name.substr(kDriveC.size());
    std::replace(below_drive.begin(), below_drive.end(), '\\', '/');
  }
  const std::string file_name = kind == ModuleKind::kKernel ? "libntoskrnl.so" : base_name;
  for (const auto &directory : symbol_path ? *symbol_path : std::vector<std::filesystem::path>{}) {
    if (!file_name.empty()) places.push_back(directory / file_name);
    if (!below_drive.empty()) places.push_back(directory / below_drive);
  }
  if (kind != ModuleKind::kDriver) return places;
  // A service may call it by another name.
  constexpr size_t kMostFiles = 200;
  for (const auto &directory : symbol_path ? *symbol_path : std::vector<std::filesystem::path>{}) {
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(directory, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      if (at->path().extension() == ".sys" && places.size() < kMostFiles) places.push_back(at->path());
    }
  }
  return places;
}

ImageFile *Module::file() {
  if (file_known_) return file_.get();
  file_known_ = true;
  file_problem_ = headers ? "nobody knows its file" : "its headers cannot be read";
  bool first = true;
  for (const auto &place : headers ? places() : std::vector<std::filesystem::path>{}) {
    auto opened = ImageFile::open(place, headers->build_id);
    if (opened) {
      file_ = std::move(*opened);
      file_problem_.clear();
      break;
    }
    if (first) file_problem_ = opened.error().text;
    first = false;
  }
  return file_.get();
}

void Module::forget_file() {
  if (!file_) file_known_ = false;
}

}  // namespace ntemu::debug
