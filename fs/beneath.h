// Opens paths beneath a directory such that nothing, symbolic links and races included, leads out of it.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace ntemu::fs {

// An owned descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd &operator=(Fd &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class Beneath {
 public:
  // `walk`: resolve in steps of our own even where the kernel could do it.
  explicit Beneath(Fd root, bool walk = false) : root_(std::move(root)), walk_(walk) {}

  // `path` is relative to the root; `flags` are open's. A descriptor, or -1 and errno.
  Fd open(const std::string &path, int flags) const;
  int root() const { return root_.get(); }

 private:
  Fd open_by_walking(const std::string &path, int flags) const;

  Fd root_;
  const bool walk_;
};

}  // namespace ntemu::fs
