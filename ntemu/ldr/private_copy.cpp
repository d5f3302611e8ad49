#include "ntemu/ldr/private_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ntemu::ldr {
namespace {

namespace fs = std::filesystem;

constexpr off_t kLargestFile = off_t{1} << 28;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

LoadError open_error(int error, const fs::path &file) {
  std::error_code ignored;
  switch (error) {
    case ENOENT:
      if (!file.parent_path().empty() && !fs::exists(file.parent_path(), ignored))
        return {STATUS_OBJECT_PATH_NOT_FOUND, "its directory does not exist"};
      return {STATUS_OBJECT_NAME_NOT_FOUND, "no such file"};
    case ENOTDIR:
      return {STATUS_OBJECT_PATH_NOT_FOUND, "its directory does not exist"};
    case EACCES:
    case EPERM:
      return {STATUS_ACCESS_DENIED, "the file cannot be read: permission denied"};
    case ENAMETOOLONG:
      return {STATUS_OBJECT_NAME_INVALID, "the name is too long"};
    case EMFILE:
    case ENFILE:
      return {STATUS_INSUFFICIENT_RESOURCES, "too many open files"};
    default:
      return {STATUS_UNSUCCESSFUL, fmt::format("the file cannot be read: {}", std::strerror(error))};
  }
}

}  // namespace

std::vector<char> read_file(const fs::path &file) {
  // Not blocking: a FIFO would wait for a writer.
  const Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) throw open_error(errno, file);
  struct stat status;
  if (fstat(descriptor.get(), &status) != 0) throw open_error(errno, file);
  if (S_ISDIR(status.st_mode)) throw LoadError{STATUS_FILE_IS_A_DIRECTORY, "a directory, not an image"};
  if (!S_ISREG(status.st_mode)) throw LoadError{STATUS_INVALID_IMAGE_NOT_MZ, "not a regular file"};
  if (status.st_size > kLargestFile)
    throw LoadError{STATUS_FILE_TOO_LARGE, "the file is larger than any driver (256 MiB)"};
  std::vector<char> bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw open_error(errno, file);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

PrivateCopy::PrivateCopy(const std::vector<char> &bytes, const fs::path &parent, const fs::path &name) {
  const auto fail = [&](int error) {
    const NTSTATUS status = error == ENOSPC ? STATUS_DISK_FULL : STATUS_INSUFFICIENT_RESOURCES;
    return LoadError{status, fmt::format("no private copy in {}: {}", parent.string(), std::strerror(error))};
  };
  std::error_code error;
  fs::create_directories(parent, error);
  std::string directory = (parent / "image-XXXXXX").string();
  if (!mkdtemp(directory.data())) throw fail(errno);
  // Owns the directory from here on, so that a throw below removes it.
  PrivateCopy copy;
  copy.directory_ = directory;
  copy.file_ = copy.directory_ / name;
  const Descriptor descriptor(open(copy.file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (descriptor.get() < 0) throw fail(errno);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) throw fail(errno);
    if (count > 0) done += static_cast<size_t>(count);
  }
  swap(copy);
}

PrivateCopy::~PrivateCopy() {
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

}  // namespace ntemu::ldr
