#include "tools/ntcc/compile_commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/ntcc/options.h"

namespace ntemu::ntcc {
namespace {

// Held while the list is read, changed and written: a parallel build runs several ntcc at once.
class FileLock {
 public:
  explicit FileLock(const std::string &path) : descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) throw UsageError(fmt::format("{} cannot be written", path));
    flock(descriptor_, LOCK_EX);
  }
  ~FileLock() { close(descriptor_); }
  FileLock(const FileLock &) = delete;
  FileLock &operator=(const FileLock &) = delete;

 private:
  int descriptor_;
};

}  // namespace

void record_compilation(const std::string &file, const std::string &source, const std::string &output,
                        const Arguments &command) {
  using nlohmann::json;
  const FileLock lock(file);
  std::ifstream in(file);
  json list = json::array();
  if (in.peek() != std::ifstream::traits_type::eof()) list = json::parse(in, nullptr, false);
  if (!list.is_array()) throw UsageError(fmt::format("{} is not a compile_commands.json", file));
  const std::string absolute = std::filesystem::absolute(source).lexically_normal().string();
  const json entry = {{"directory", std::filesystem::current_path().string()},
                      {"file", absolute},
                      {"output", output},
                      {"arguments", command}};
  bool replaced = false;
  for (json &old : list) {
    if (!old.is_object() || old.value("file", "") != absolute || old.value("output", "") != output) continue;
    old = entry;
    replaced = true;
  }
  if (!replaced) list.push_back(entry);
  std::ofstream out(file, std::ios::trunc);
  out << list.dump(1) << "\n";
  if (!out.flush()) throw UsageError(fmt::format("{} cannot be written", file));
}

}  // namespace ntemu::ntcc
