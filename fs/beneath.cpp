#include "fs/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

namespace ntemu::fs {
namespace {

constexpr int kMaxLinks = 40;  // as Linux has it
// openat2 gives up with EAGAIN when a rename runs beside its ".." checks.
constexpr int kRaces = 64;

void push_front(std::deque<std::string> &parts, const std::string &path) {
  std::vector<std::string> fresh;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) fresh.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd Beneath::open(const std::string &path, int flags) const {
  if (!walk_) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    for (int race = 0; race < kRaces; ++race) {
      Fd fd(
          static_cast<int>(::syscall(SYS_openat2, root_.get(), path.empty() ? "." : path.c_str(), &how, sizeof(how))));
      if (fd || (errno != EAGAIN && errno != EINTR && errno != ENOSYS && errno != EPERM)) return fd;
      // An old kernel, or a container's filter that does not know the call.
      if (errno == ENOSYS || errno == EPERM) return open_by_walking(path, flags);
    }
    return Fd();
  }
  return open_by_walking(path, flags);
}

// One component at a time from held descriptors, never following a link: links are read and walked like the rest, and
// ".." pops what was pushed, so that it cannot pass the root however directories move meanwhile.
Fd Beneath::open_by_walking(const std::string &path, int flags) const {
  std::deque<std::string> parts;
  push_front(parts, path);
  std::vector<Fd> above;
  int links = 0;
  while (!parts.empty()) {
    const std::string part = parts.front();
    parts.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (!above.empty()) above.pop_back();
      continue;
    }
    const int at = above.empty() ? root_.get() : above.back().get();
    if (parts.empty()) {
      Fd last(::openat(at, part.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
      if (last && (flags & O_PATH)) {  // O_PATH with O_NOFOLLOW opens a link itself
        struct stat status;
        if (::fstat(last.get(), &status) == 0 && S_ISLNK(status.st_mode) && !(flags & O_NOFOLLOW)) {
          last = Fd();
          errno = ELOOP;
        }
      }
      if (last || (errno != ELOOP && errno != ENOTDIR) || (flags & O_NOFOLLOW)) return last;
    }
    Fd next(::openat(at, part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return next;
    struct stat status;
    if (::fstat(next.get(), &status) != 0) return Fd();
    if (S_ISLNK(status.st_mode)) {
      if (++links > kMaxLinks) {
        errno = ELOOP;
        return Fd();
      }
      char target[PATH_MAX];
      const ssize_t length = ::readlinkat(next.get(), "", target, sizeof(target));
      if (length < 0) return Fd();
      const std::string text(target, static_cast<size_t>(length));
      if (text.starts_with('/')) above.clear();
      push_front(parts, text);
    } else if (S_ISDIR(status.st_mode) && !parts.empty()) {
      above.push_back(std::move(next));
    } else {
      errno = ENOTDIR;
      return Fd();
    }
  }
  // The path ended in "..", "." or a link to a directory that is already open.
  return Fd(::openat(above.empty() ? root_.get() : above.back().get(), ".", flags | O_CLOEXEC));
}

}  // namespace ntemu::fs
