// How a Linux program reaches the view of \DosDevices: by system calls on a mount, or, where nothing can be mounted, by
// the requests that the kernel would make of them.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace ntemu::fs::test {

// Paths are relative to the view's root: "C:/Temp/a". Everything answers 0 or an errno.
class LinuxFront {
 public:
  virtual ~LinuxFront() = default;
  virtual int open(const std::string &path, int flags, int &file) = 0;
  virtual int read(int file, std::string &data) = 0;  // from the beginning, at most data.size() bytes
  virtual int write(int file, std::string_view data) = 0;
  virtual int append(int file, std::string_view data, off_t offset) = 0;
  virtual int close(int file) = 0;
  virtual int rename(const std::string &from, const std::string &to, unsigned flags = 0) = 0;
  virtual int unlink(const std::string &path) = 0;
  virtual int mkdir(const std::string &path) = 0;
  virtual int rmdir(const std::string &path) = 0;
  virtual int stat(const std::string &path, struct stat &out) = 0;
  virtual int list(const std::string &path, std::set<std::string> &names) = 0;

  int error_of_stat(const std::string &path) {
    struct stat ignored;
    return stat(path, ignored);
  }
  // Opened and closed again.
  int error_of_open(const std::string &path, int flags) {
    int file = -1;
    const int error = open(path, flags, file);
    if (error == 0) close(file);
    return error;
  }
  int put(const std::string &path, std::string_view text);
  std::string get(const std::string &path);
};

class MountFront final : public LinuxFront {
 public:
  explicit MountFront(std::filesystem::path root) : root_(std::move(root)) {}
  int open(const std::string &path, int flags, int &file) override;
  int read(int file, std::string &data) override;
  int write(int file, std::string_view data) override { return append(file, data, 0); }
  int append(int file, std::string_view data, off_t offset) override;
  int close(int file) override;
  int rename(const std::string &from, const std::string &to, unsigned flags) override;
  int unlink(const std::string &path) override;
  int mkdir(const std::string &path) override;
  int rmdir(const std::string &path) override;
  int stat(const std::string &path, struct stat &out) override;
  int list(const std::string &path, std::set<std::string> &names) override;

 private:
  std::string at(const std::string &path) const { return root_.string() + "/" + path; }
  const std::filesystem::path root_;
};

}  // namespace ntemu::fs::test
