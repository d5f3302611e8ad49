#include "ntemu/machine/place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "nt/status.h"

namespace ntemu::machine {
namespace {

namespace stdfs = std::filesystem;

constexpr std::string_view kPrefix = "ntemu-machine-";

// -1 and errno when it cannot be locked; EWOULDBLOCK when another process has it.
int try_lock(const stdfs::path &directory) {
  const int lock = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  const int saved = errno;
  close(lock);
  errno = saved;
  return -1;
}

bool is_own(int directory) {
  struct stat info;
  return fstat(directory, &info) == 0 && info.st_uid == getuid();
}

void remove_abandoned(const stdfs::path &base) {
  std::error_code error;
  for (const auto &entry : stdfs::directory_iterator(base, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int lock = try_lock(entry.path());
    if (lock < 0) continue;
    if (is_own(lock)) stdfs::remove_all(entry.path(), error);
    close(lock);
  }
}

}  // namespace

Outcome<int> occupy(const stdfs::path &directory) {
  const int lock = try_lock(directory);
  if (lock >= 0) return lock;
  if (errno == EWOULDBLOCK)
    return Error{STATUS_SHARING_VIOLATION, fmt::format("{} is in use by another machine", directory.string())};
  return Error{STATUS_ACCESS_DENIED, fmt::format("cannot lock {}: {}", directory.string(), std::strerror(errno))};
}

std::optional<Error> make_machine_directory(const stdfs::path &directory) {
  std::error_code error;
  stdfs::create_directories(directory, error);
  if (!error) return std::nullopt;
  const NTSTATUS status = error == std::errc::not_a_directory || error == std::errc::file_exists
                              ? STATUS_NOT_A_DIRECTORY
                          : error == std::errc::no_such_file_or_directory ? STATUS_OBJECT_PATH_NOT_FOUND
                          : error == std::errc::no_space_on_device        ? STATUS_DISK_FULL
                                                                          : STATUS_ACCESS_DENIED;
  return Error{status, fmt::format("cannot use {} as a machine: {}", directory.string(), error.message())};
}

Outcome<TemporaryPlace> occupy_temporary() {
  const char *variable = std::getenv("XDG_RUNTIME_DIR");
  const stdfs::path base = variable && *variable ? variable : "/tmp";
  remove_abandoned(base);
  for (;;) {
    std::string pattern = (base / kPrefix).string() + "XXXXXX";
    if (!mkdtemp(pattern.data()))
      return Error{STATUS_ACCESS_DENIED, fmt::format("cannot make {}: {}", pattern, std::strerror(errno))};
    const int lock = try_lock(pattern);
    // Another process may have taken it for an abandoned one before it was locked.
    if (lock >= 0 && stdfs::exists(pattern)) return TemporaryPlace{pattern, lock};
    if (lock >= 0) close(lock);
    if (lock < 0 && errno != EWOULDBLOCK && errno != ENOENT)
      return Error{STATUS_ACCESS_DENIED, fmt::format("cannot lock {}: {}", pattern, std::strerror(errno))};
  }
}

}  // namespace ntemu::machine
