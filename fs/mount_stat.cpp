#include "fs/mount_stat.h"

#include <unistd.h>

namespace ntemu::fs {
namespace {

constexpr long kNanosecondsPerTick = 100;
constexpr mode_t kWriteBits = 0222;
constexpr LONGLONG kStatBlock = 512;
constexpr blksize_t kBlock = 4096;

}  // namespace

timespec linux_time(base::Nt100ns time) {
  const base::Nt100ns since = time - base::kUnixEpoch;
  base::Nt100ns seconds = since / base::kNtPerSecond;
  if (since % base::kNtPerSecond < 0) --seconds;
  return {seconds, (since - seconds * base::kNtPerSecond) * kNanosecondsPerTick};
}

base::Nt100ns nt_time(const timespec &time) {
  return base::kUnixEpoch + time.tv_sec * base::kNtPerSecond + time.tv_nsec / kNanosecondsPerTick;
}

struct stat linux_stat(const io::FileStat &file, uint64_t shown) {
  struct stat out {};
  out.st_ino = shown;
  out.st_mode = file.directory ? S_IFDIR : S_IFREG;
  out.st_mode |= file.mode & 07777;
  if (!file.directory && (file.attributes & FILE_ATTRIBUTE_READONLY)) out.st_mode &= ~kWriteBits;
  out.st_nlink = file.links;
  out.st_uid = file.uid;
  out.st_gid = file.gid;
  out.st_size = file.size;
  out.st_blocks = (file.allocation + kStatBlock - 1) / kStatBlock;
  out.st_blksize = kBlock;
  out.st_atim = linux_time(file.times.access);
  out.st_mtim = linux_time(file.times.write);
  out.st_ctim = linux_time(file.times.change);
  return out;
}

struct stat root_stat() {
  struct stat out {};
  out.st_ino = 1;
  out.st_mode = S_IFDIR | 0555;
  out.st_nlink = 1;
  out.st_uid = ::getuid();
  out.st_gid = ::getgid();
  out.st_blksize = kBlock;
  return out;
}

struct stat device_stat(uint64_t shown) {
  struct stat out {};
  out.st_ino = shown;
  out.st_mode = S_IFREG | 0600;
  out.st_nlink = 1;
  out.st_uid = ::getuid();
  out.st_gid = ::getgid();
  out.st_blksize = kBlock;
  return out;
}

}  // namespace ntemu::fs
