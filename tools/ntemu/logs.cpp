// ntemu logs: the machine's debug.log, and what is added to it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "nt/status.h"
#include "ntemu/machine/debug_log.h"
#include "ntemu/machine/locate.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

bool write_all(const char *data, size_t size) {
  while (size > 0) {
    const ssize_t put = write(STDOUT_FILENO, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    data += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

// A log file that may grow, be emptied, or be replaced by a new one.
class Log {
 public:
  explicit Log(std::filesystem::path path) : path_(std::move(path)) {}
  ~Log() {
    if (file_ >= 0) close(file_);
  }
  Log(const Log &) = delete;
  Log &operator=(const Log &) = delete;

  bool open() {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    if (file_ >= 0) close(file_);
    file_ = file;
    return true;
  }
  // What has been added since the last call; false when nobody takes it.
  bool print() {
    struct stat info;
    if (fstat(file_, &info) == 0 && info.st_size < lseek(file_, 0, SEEK_CUR)) lseek(file_, 0, SEEK_SET);
    char buffer[1 << 16];
    for (;;) {
      const ssize_t got = read(file_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return true;
      if (!write_all(buffer, static_cast<size_t>(got))) return false;
    }
  }
  bool was_replaced() const {
    struct stat mine, there;
    return fstat(file_, &mine) == 0 && stat(path_.c_str(), &there) == 0 &&
           (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev);
  }

 private:
  const std::filesystem::path path_;
  int file_ = -1;
};

int cannot_follow(const std::filesystem::path &directory) {
  return fail(
      {STATUS_INSUFFICIENT_RESOURCES, fmt::format("cannot watch {}: {}", directory.string(), std::strerror(errno))});
}

}  // namespace

int logs(const LogOptions &options) {
  const auto directory = machine::machine_directory(options.machine);
  const auto path = directory / machine::kDebugLogName;
  Log log(path);
  if (!log.open()) {
    const NTSTATUS status = errno == EACCES ? STATUS_ACCESS_DENIED : STATUS_NO_SUCH_FILE;
    return fail({status, fmt::format("there is no log to read at {}: {}", path.string(), std::strerror(errno))});
  }
  if (!options.follow) return log.print() ? 0 : 1;
  const int changes = inotify_init1(IN_CLOEXEC);
  // The directory tells of a new file as well as of a changed one.
  if (changes < 0 || inotify_add_watch(changes, directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
    return cannot_follow(directory);
  for (;;) {
    if (!log.print()) return 0;
    if (log.was_replaced()) {
      if (log.open()) continue;
    }
    pollfd fds[] = {{changes, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return cannot_follow(directory);
    if (fds[1].revents & (POLLERR | POLLHUP)) return 0;  // whoever read has gone
    char events[4096];
    if ((fds[0].revents & POLLIN) && read(changes, events, sizeof events) < 0 && errno != EINTR)
      return cannot_follow(directory);
  }
}

}  // namespace ntemu::tool
