#include "fs/host_node.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "fs/host_status.h"
#include "ntemu/io/file_system.h"

namespace ntemu::fs {
namespace {

// Only there when a file's attributes are not the usual ones: its hexadecimal FILE_ATTRIBUTE_ bits.
constexpr char kAttributesName[] = "user.ntemu.attributes";
// Only there when somebody set a creation time: 100 ns units since 1601, in decimal.
constexpr char kCreationName[] = "user.ntemu.creation";
constexpr long kNanosecondsPerTick = 100;
constexpr ULONG kPermissions = 07777;

base::Nt100ns to_nt(const statx_timestamp &time) {
  return base::kUnixEpoch + time.tv_sec * base::kNtPerSecond + time.tv_nsec / kNanosecondsPerTick;
}

timespec to_host(base::Nt100ns time) {
  if (time == 0) return {0, UTIME_OMIT};
  base::Nt100ns since = time - base::kUnixEpoch;
  base::Nt100ns seconds = since / base::kNtPerSecond;
  if (since % base::kNtPerSecond < 0) --seconds;
  return {seconds, (since - seconds * base::kNtPerSecond) * kNanosecondsPerTick};
}

// The number in an extended attribute, or `otherwise`.
long long read_number(int fd, const char *name, int radix, long long otherwise) {
  char text[32];
  const ssize_t length = ::fgetxattr(fd, name, text, sizeof(text) - 1);
  if (length <= 0) return otherwise;
  text[length] = 0;
  return std::strtoll(text, nullptr, radix);
}

}  // namespace

Result<Metadata> HostNode::metadata() {
  struct statx status;
  if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    return status_from_errno(errno);
  }
  Metadata result;
  result.links = status.stx_nlink;
  result.mode = status.stx_mode & kPermissions;
  result.uid = status.stx_uid;
  result.gid = status.stx_gid;
  if (S_ISREG(status.stx_mode)) {
    result.size = static_cast<LONGLONG>(status.stx_size);
    result.allocation = static_cast<LONGLONG>(status.stx_blocks) * 512;
  } else {
    result.links = result.links ? 1 : 0;  // Linux counts a directory's "." and its children's ".."
  }
  const bool born = status.stx_mask & STATX_BTIME;
  const base::Nt100ns creation = to_nt(born ? status.stx_btime : status.stx_mtime);
  result.times = {read_number(fd_.get(), kCreationName, 10, creation), to_nt(status.stx_atime), to_nt(status.stx_mtime),
                  to_nt(status.stx_ctime)};
  return result;
}

Result<ULONG> HostNode::attributes() {
  const ULONG kind = directory() ? FILE_ATTRIBUTE_DIRECTORY : 0U;
  const ULONG usual = directory() ? 0U : FILE_ATTRIBUTE_ARCHIVE;
  const auto stored = static_cast<ULONG>(read_number(fd_.get(), kAttributesName, 16, usual));
  return kind | (stored & FILE_ATTRIBUTE_VALID_SET_FLAGS);
}

NTSTATUS HostNode::set_attributes(ULONG attributes) {
  const ULONG usual = directory() ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
  if (attributes == usual) {
    if (::fremovexattr(fd_.get(), kAttributesName) == 0 || errno == ENODATA || errno == ENOTSUP) return STATUS_SUCCESS;
    return status_from_errno(errno);
  }
  const std::string text = fmt::format("{:x}", attributes);
  if (::fsetxattr(fd_.get(), kAttributesName, text.data(), text.size(), 0) == 0) return STATUS_SUCCESS;
  return status_from_errno(errno);
}

NTSTATUS HostNode::set_times(const Times &times) {
  if (times.creation) {
    const std::string text = fmt::format("{}", times.creation);
    if (::fsetxattr(fd_.get(), kCreationName, text.data(), text.size(), 0) != 0) return status_from_errno(errno);
  }
  if (times.access || times.write) {
    const timespec host[] = {to_host(times.access), to_host(times.write)};
    if (::futimens(fd_.get(), host) != 0) return status_from_errno(errno);
  }
  return STATUS_SUCCESS;
}

NTSTATUS HostNode::set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid, std::optional<ULONG> gid) {
  // The owner first: a change of it clears the set-user-id bits that the caller may want.
  if ((uid || gid) &&
      ::fchown(fd_.get(), uid.value_or(static_cast<uid_t>(-1)), gid.value_or(static_cast<gid_t>(-1))) != 0) {
    return status_from_errno(errno);
  }
  if (mode && ::fchmod(fd_.get(), *mode & kPermissions) != 0) return status_from_errno(errno);
  return STATUS_SUCCESS;
}

NTSTATUS HostNode::flush() { return ::fsync(fd_.get()) == 0 ? STATUS_SUCCESS : status_from_errno(errno); }

HostFile::HostFile(Fd fd, const struct stat &status, bool writable)
    : HostNode(std::move(fd), status), writer_(writable ? fd_.get() : -1) {}

HostFile::~HostFile() {
  const int fd = writer_.load();
  if (fd >= 0 && fd != fd_.get()) ::close(fd);
}

int HostFile::writer() {
  int fd = writer_.load(std::memory_order_acquire);
  if (fd >= 0) [[likely]]
    return fd;
  base::Guard guard(lock_);
  if (fd = writer_.load(std::memory_order_relaxed); fd >= 0) return fd;
  // The very file that fd_ pins, whatever its name is by now.
  fd = ::open(fmt::format("/proc/self/fd/{}", fd_.get()).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) writer_.store(fd, std::memory_order_release);
  return fd;
}

NTSTATUS HostFile::make_writable() { return writer() >= 0 ? STATUS_SUCCESS : status_from_errno(errno); }

Result<ULONG> HostFile::read(void *buffer, ULONG length, LONGLONG offset) {
  ULONG done = 0;
  while (done < length) {
    const ssize_t moved = ::pread(fd_.get(), static_cast<char *>(buffer) + done, length - done, offset + done);
    if (moved < 0) {
      if (errno == EINTR) continue;
      // EINVAL: beyond what a file of the host can ever reach.
      return errno == EINVAL ? STATUS_END_OF_FILE : status_from_errno(errno);
    }
    if (moved == 0) break;
    done += static_cast<ULONG>(moved);
  }
  return done;
}

Result<ULONG> HostFile::write(const void *buffer, ULONG length, LONGLONG &offset) {
  const int fd = writer();
  if (fd < 0) return status_from_errno(errno);
  if (offset == io::kAppend) return append(fd, buffer, length, offset);
  ULONG done = 0;
  while (done < length) {
    const ssize_t moved = ::pwrite(fd, static_cast<const char *>(buffer) + done, length - done, offset + done);
    if (moved < 0) {
      if (errno == EINTR) continue;
      return status_from_errno(errno);
    }
    done += static_cast<ULONG>(moved);
  }
  return done;
}

Result<ULONG> HostFile::append(int fd, const void *buffer, ULONG length, LONGLONG &offset) {
  base::Guard guard(lock_);  // so that the end seen afterwards is this write's
  ULONG done = 0;
  while (done < length) {
    const iovec piece{const_cast<char *>(static_cast<const char *>(buffer)) + done, length - done};
    const ssize_t moved = ::pwritev2(fd, &piece, 1, 0, RWF_APPEND);
    if (moved < 0) {
      if (errno == EINTR) continue;
      return status_from_errno(errno);
    }
    done += static_cast<ULONG>(moved);
  }
  struct stat status;
  if (::fstat(fd, &status) != 0) return status_from_errno(errno);
  offset = status.st_size - done;
  return done;
}

NTSTATUS HostFile::resize(LONGLONG size) {
  const int fd = writer();
  if (fd < 0) return status_from_errno(errno);
  return ::ftruncate(fd, size) == 0 ? STATUS_SUCCESS : status_from_errno(errno);
}

NTSTATUS HostFile::reserve(LONGLONG size) {
  if (size == 0) return STATUS_SUCCESS;
  const int fd = writer();
  if (fd < 0) return status_from_errno(errno);
  // A host that cannot reserve will tell when the data comes.
  if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == 0 || errno == EOPNOTSUPP) return STATUS_SUCCESS;
  return status_from_errno(errno);
}

}  // namespace ntemu::fs
