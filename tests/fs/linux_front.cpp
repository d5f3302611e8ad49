#include "tests/fs/linux_front.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ntemu::fs::test {
namespace {

int error_of(long result) { return result < 0 ? errno : 0; }

}  // namespace

int LinuxFront::put(const std::string &path, std::string_view text) {
  int file = -1;
  int error = open(path, O_WRONLY | O_CREAT | O_TRUNC, file);
  if (error) return error;
  error = write(file, text);
  const int closing = close(file);
  return error ? error : closing;
}

std::string LinuxFront::get(const std::string &path) {
  int file = -1;
  if (const int error = open(path, O_RDONLY, file)) return std::string("<") + std::strerror(error) + ">";
  std::string data(65536, 0);
  const int error = read(file, data);
  close(file);
  return error ? std::string("<") + std::strerror(error) + ">" : data;
}

int MountFront::open(const std::string &path, int flags, int &file) {
  file = ::open(at(path).c_str(), flags | O_CLOEXEC, 0644);
  return error_of(file);
}

int MountFront::read(int file, std::string &data) {
  const ssize_t moved = ::pread(file, data.data(), data.size(), 0);
  if (moved < 0) return errno;
  data.resize(static_cast<size_t>(moved));
  return 0;
}

int MountFront::append(int file, std::string_view data, off_t offset) {
  const ssize_t moved = ::pwrite(file, data.data(), data.size(), offset);
  if (moved < 0) return errno;
  return static_cast<size_t>(moved) == data.size() ? 0 : ENOSPC;
}

int MountFront::close(int file) { return error_of(::close(file)); }
int MountFront::rename(const std::string &from, const std::string &to, unsigned flags) {
  return error_of(::renameat2(AT_FDCWD, at(from).c_str(), AT_FDCWD, at(to).c_str(), flags));
}
int MountFront::unlink(const std::string &path) { return error_of(::unlink(at(path).c_str())); }
int MountFront::mkdir(const std::string &path) { return error_of(::mkdir(at(path).c_str(), 0755)); }
int MountFront::rmdir(const std::string &path) { return error_of(::rmdir(at(path).c_str())); }
int MountFront::stat(const std::string &path, struct stat &out) { return error_of(::lstat(at(path).c_str(), &out)); }

int MountFront::list(const std::string &path, std::set<std::string> &names) {
  names.clear();
  DIR *stream = ::opendir(at(path).c_str());
  if (!stream) return errno;
  errno = 0;
  while (const dirent *entry = ::readdir(stream)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace(name);
  }
  const int error = errno;
  ::closedir(stream);
  return error;
}

}  // namespace ntemu::fs::test
