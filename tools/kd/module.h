// One image in the machine: where it is, and, opened when first asked for, its file.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/kd/images.h"
#include "tools/kd/memory.h"

namespace ntemu::debug {

class CallFrames;
class ImageFile;

enum class ModuleKind { kKernel, kDriver, kHost };

struct ModuleEntry {
  ModuleKind kind = ModuleKind::kHost;
  std::string name;  // "nt", "TestDriver"; of the host's libraries "libc.so.6"
  Address base = 0;
  uint64_t size = 0;
  std::string path;       // of the file that is mapped; empty when nobody knows
  std::string base_name;  // what PsLoadedModuleList says: "TestDriver.sys"
  std::string full_name;  // its NT path

  bool contains(Address address) const { return address - base < size; }
};

class Module : public ModuleEntry {
 public:
  Module();
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  std::optional<ImageHeaders> headers;  // what its memory says; none: it cannot be read

  // Where else its file may lie; null: nowhere.
  const std::vector<std::filesystem::path> *symbol_path = nullptr;

  // What is added to the addresses in its file.
  Address bias() const { return headers ? headers->bias : base; }
  // How its stack frames look; null when nothing is known.
  CallFrames *call_frames();
  // The file with its symbols; null when there is none that belongs to what is in memory.
  ImageFile *file();
  bool file_tried() const { return file_known_; }
  // The next time it is looked for anew, unless it is open.
  void forget_file();
  // Why there is none; empty when there is one, or nobody asked yet.
  const std::string &file_problem() const { return file_problem_; }

 private:
  std::unique_ptr<CallFrames> call_frames_;
  std::vector<std::filesystem::path> places() const;

  bool file_known_ = false;
  std::unique_ptr<ImageFile> file_;
  std::string file_problem_;
};

}  // namespace ntemu::debug
